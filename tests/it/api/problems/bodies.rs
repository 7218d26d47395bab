//! Bodies that cannot be taken.

use crate::support::{Answer, TestApp};
use axum::body::Body;
use axum::http::Request;

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let bodies: [&[u8]; 9] = [
        b"",
        b"title=Nap",
        b"{",
        b"{\"title\":\"Nap\"",
        b"{\"title\":\"Nap\",}",
        b"{\"title\":\"Nap\"} {}",
        b"{\"title\":\"\xff\xfe\"}",
        b"{\"title\":\"\\ud800\"}",
        b"{'title':'Nap'}",
    ];

    for body in bodies {
        let answer = post(&app, &ada.token, Some("application/json"), body.to_vec()).await;

        let problem = answer.problem(400);
        assert_eq!(problem["type"], "urn:errand:problem:malformed", "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with("The body "), "{problem}");
    }
}

#[tokio::test]
async fn a_field_that_is_there_twice_is_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let answer = post(&app, &ada.token, Some("application/json"), br#"{"title":"Nap","title":"Work"}"#.to_vec()).await;

    assert_eq!(answer.refused(), ["title: duplicate"]);
}

#[tokio::test]
async fn a_body_may_have_a_million_bytes_and_no_more() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let frame = r#"{"title":"Nap","description":""}"#;
    let body = |bytes: usize| frame.replace("\"\"}", &format!("\"{}\"}}", "x".repeat(bytes - frame.len())));

    let largest = post(&app, &ada.token, Some("application/json"), body(1_000_000).into()).await;
    let too_large = post(&app, &ada.token, Some("application/json"), body(1_000_001).into()).await;

    assert_eq!(largest.refused(), ["description: too_long"]);
    assert_eq!(too_large.problem(413)["type"], "urn:errand:problem:too-large");
}

#[tokio::test]
async fn another_content_type_than_json_is_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let body = br#"{"title":"Nap"}"#;

    for content_type in [
        None,
        Some(""),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
        Some("text/json"),
    ] {
        let answer = post(&app, &ada.token, content_type, body.to_vec()).await;

        assert_eq!(answer.problem(415)["type"], "urn:errand:problem:unsupported-media-type", "{content_type:?}");
    }
    for content_type in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        post(&app, &ada.token, Some(content_type), body.to_vec()).await.json(201);
    }
}

async fn post(app: &TestApp, token: &str, content_type: Option<&str>, body: Vec<u8>) -> Answer {
    let mut request = Request::post("/v1/tasks").header("authorization", format!("Bearer {token}"));
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    app.send(request.body(Body::from(body)).unwrap()).await
}
