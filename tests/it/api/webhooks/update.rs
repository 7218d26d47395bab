//! Changing, disabling and deleting webhooks.

use super::{log, path, webhook};
use crate::support::TestApp;
use crate::support::receiver::Receiver;
use serde_json::json;

#[tokio::test]
async fn only_what_is_sent_is_changed() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let created = webhook(&ada, "https://example.com/old", &["task.created"]).await;

    let moved = ada.patch(&path(&created), json!({ "url": "https://example.com/new" })).await.json(200);
    let tuned = ada.patch(&path(&created), json!({ "event_types": ["task.deleted", "task.updated"] })).await.json(200);

    assert_eq!((&moved["url"], &moved["event_types"]), (&json!("https://example.com/new"), &json!(["task.created"])));
    assert_eq!(tuned["url"], "https://example.com/new");
    assert_eq!(tuned["event_types"], json!(["task.deleted", "task.updated"]));
    assert_eq!(tuned["created_at"], created["created_at"]);
    assert_ne!(tuned["updated_at"], created["updated_at"]);
    assert_eq!(ada.get(&path(&created)).await.json(200), tuned);
}

#[tokio::test]
async fn mistakes_are_refused_by_name() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let created = webhook(&ada, "https://example.com", &["task.created"]).await;
    let mistakes = [
        (json!({ "url": "gopher://example.com" }), "url: not_allowed"),
        (json!({ "url": null }), "url: wrong_type"),
        (json!({ "event_types": [] }), "event_types: too_short"),
        (json!({ "state": "gone" }), "state: wrong_type"),
        (json!({ "failures": 0 }), "failures: unknown"),
    ];

    for (patch, error) in mistakes {
        assert_eq!(ada.patch(&path(&created), patch.clone()).await.refused(), [error], "{patch}");
    }
}

#[tokio::test]
async fn a_disabled_webhook_hears_of_nothing_until_it_is_enabled() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;

    let disabled = ada.patch(&path(&created), json!({ "state": "disabled" })).await.json(200);
    ada.task(json!({ "title": "unheard" })).await;
    let enabled = ada.patch(&path(&created), json!({ "state": "enabled" })).await.json(200);
    ada.task(json!({ "title": "heard" })).await;
    app.drain().await;

    assert_eq!((&disabled["state"], &disabled["disabled_reason"]), (&json!("disabled"), &json!("owner")));
    assert_eq!((&enabled["state"], &enabled["disabled_reason"]), (&json!("enabled"), &json!(null)));
    let titles: Vec<_> = receiver.calls().iter().map(|call| call.body()["data"]["title"].clone()).collect();
    assert_eq!(titles, ["heard"]);
}

#[tokio::test]
async fn what_was_on_its_way_to_a_disabled_webhook_is_cancelled_without_a_call() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;

    ada.patch(&path(&created), json!({ "state": "disabled" })).await.json(200);
    app.drain().await;

    let log = log(&ada, &created).await;
    assert_eq!((&log[0]["state"], &log[0]["attempts"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(receiver.calls().len(), 0);
}

#[tokio::test]
async fn a_deleted_webhook_is_gone_with_its_log_and_what_was_on_its_way() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;

    let answer = ada.delete(&path(&created)).await;
    app.drain().await;

    assert_eq!(answer.status, 204);
    ada.get(&path(&created)).await.problem(404);
    ada.get(&format!("{}/deliveries", path(&created))).await.problem(404);
    ada.delete(&path(&created)).await.problem(404);
    assert_eq!(receiver.calls().len(), 0);
    assert_eq!(super::count(&app, "webhook_deliveries").await, 0);
}
