//! Registering webhooks, and what is refused.

use super::{path, webhook};
use crate::support::{Actor, TestApp};
use ::api::app;
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[tokio::test]
async fn a_webhook_is_registered_and_its_secret_shown_once() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let answer = ada
        .post("/v1/webhooks", json!({ "url": "https://example.com/hooks?a=b", "event_types": ["task.created"] }))
        .await;

    let created = answer.json(201);
    let secret = created["secret"].as_str().unwrap();
    assert_eq!(STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
    assert_eq!(answer.header("location"), path(&created));
    let shown = json!({
        "id": created["id"],
        "url": "https://example.com/hooks?a=b",
        "event_types": ["task.created"],
        "state": "enabled",
        "disabled_reason": null,
        "failures": 0,
        "failing_since": null,
        "previous_secret_until": null,
        "created_at": created["created_at"],
        "updated_at": created["created_at"],
    });
    assert_eq!(ada.get(&path(&created)).await.json(200), shown);
    assert_eq!(ada.get("/v1/webhooks").await.json(200)["items"], json!([shown]));
}

#[tokio::test]
async fn two_webhooks_have_two_secrets() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let first = webhook(&ada, "https://example.com/", &["task.created"]).await;
    let second = webhook(&ada, "https://example.com/", &["task.created"]).await;

    assert_ne!(first["secret"], second["secret"]);
}

#[tokio::test]
async fn mistakes_are_refused_by_name() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let url = "https://example.com";
    let mistakes = [
        (json!({ "event_types": ["task.created"] }), "url: missing"),
        (json!({ "url": url }), "event_types: missing"),
        (json!({ "url": url, "event_types": [] }), "event_types: too_short"),
        (json!({ "url": url, "event_types": ["task.eaten"] }), "event_types[0]: wrong_type"),
        (json!({ "url": url, "event_types": ["webhook.test"] }), "event_types[0]: wrong_type"),
        (json!({ "url": url, "event_types": ["task.created", "task.created"] }), "event_types[1]: duplicate"),
        (json!({ "url": url, "event_types": ["task.created"], "secret": "mine" }), "secret: unknown"),
        (json!({ "url": "", "event_types": ["task.created"] }), "url: not_allowed"),
        (json!({ "url": "example.com", "event_types": ["task.created"] }), "url: not_allowed"),
        (json!({ "url": "ftp://example.com", "event_types": ["task.created"] }), "url: not_allowed"),
        (json!({ "url": "https://exa mple.com", "event_types": ["task.created"] }), "url: not_allowed"),
        (json!({ "url": "https://example.com/\0", "event_types": ["task.created"] }), "url: not_allowed"),
        (json!({ "url": "https://ada:secret@example.com", "event_types": ["task.created"] }), "url: not_allowed"),
        (json!({ "url": "https://example.com/#part", "event_types": ["task.created"] }), "url: not_allowed"),
        (
            json!({ "url": format!("https://example.com/{}", "a".repeat(1_981)), "event_types": ["task.created"] }),
            "url: too_long",
        ),
    ];

    for (request, error) in mistakes {
        assert_eq!(ada.post("/v1/webhooks", request.clone()).await.refused(), [error], "{request}");
    }
    assert_eq!(ada.get("/v1/webhooks").await.json(200)["items"], json!([]));
}

#[tokio::test]
async fn private_addresses_and_plain_http_are_refused_where_they_are_not_allowed() {
    let mut app = TestApp::new().await;
    app.api.private_webhooks = false;
    let token = app.actor().await.token;
    let refused = [
        "http://example.com",
        "https://127.0.0.1",
        "https://127.1:8443/hook",
        "https://0x7f000001",
        "https://2130706433",
        "https://example.com:22",
        "https://10.1.2.3",
        "https://172.16.0.1",
        "https://192.168.1.1",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1",
        "https://0.0.0.0",
        "https://224.0.0.1",
        "https://255.255.255.255",
        "https://[::1]",
        "https://[::]",
        "https://[::ffff:10.0.0.1]",
        "https://[fe80::1]",
        "https://[fd00::1]",
        "https://[64:ff9b::a00:1]",
        "https://localhost",
        "https://LOCALHOST./hook",
        "https://a.localhost",
    ];
    let accepted = ["https://example.com:8443/hook", "https://1.1.1.1", "https://[2606:4700::1111]"];

    for (urls, status) in [(&refused[..], 422), (&accepted[..], 201)] {
        for url in urls {
            assert_eq!(post(&app, &token, url).await, status, "{url}");
        }
    }
}

#[tokio::test]
async fn an_owner_has_ten_webhooks_at_most() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.actor().await, app.actor().await);
    for _ in 0..10 {
        webhook(&ada, "https://example.com", &["task.created"]).await;
    }

    let refused = ada
        .post("/v1/webhooks", json!({ "url": "https://example.com", "event_types": ["task.created"] }))
        .await
        .problem(409);

    assert_eq!(refused["type"], "urn:errand:problem:conflict");
    assert_eq!(refused["errors"][0]["code"], "too_many");
    webhook(&bob, "https://example.com", &["task.created"]).await;
}

#[tokio::test]
async fn ten_is_the_limit_also_for_requests_at_once() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for _ in 0..8 {
        webhook(&ada, "https://example.com", &["task.created"]).await;
    }
    let request = || ada.post("/v1/webhooks", json!({ "url": "https://example.com", "event_types": ["task.created"] }));

    let answers = futures_util::future::join_all((0..6).map(|_| request())).await;

    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409, 409, 409]);
    assert_eq!(ada.get("/v1/webhooks").await.json(200)["items"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn webhooks_come_in_pages() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for number in 0..3 {
        webhook(&ada, &format!("https://example.com/{number}"), &["task.created"]).await;
    }

    let first = ada.get("/v1/webhooks?limit=2").await;
    let second = ada.get(&first.next_page().unwrap()).await;

    let urls =
        |page: Value| page["items"].as_array().unwrap().iter().map(|item| item["url"].clone()).collect::<Vec<_>>();
    assert_eq!(urls(first.json(200)), ["https://example.com/2", "https://example.com/1"]);
    assert_eq!(urls(second.json(200)), ["https://example.com/0"]);
    assert_eq!(second.next_page(), None);
}

#[tokio::test]
async fn nobody_registers_without_a_token() {
    let app = TestApp::new().await;

    Actor::nobody(&app).post("/v1/webhooks", json!({})).await.problem(401);
}

/// Registers a webhook with the state as it is now, and returns the status.
async fn post(app: &TestApp, token: &str, url: &str) -> u16 {
    let body = json!({ "url": url, "event_types": ["task.created"] }).to_string();
    let request = Request::post("/v1/webhooks")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body));
    self::app(app.api.clone()).oneshot(request.unwrap()).await.unwrap().status().as_u16()
}
