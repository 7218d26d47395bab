//! The id of a request.

use crate::support::{Answer, TestApp};
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use uuid::Uuid;

#[tokio::test]
async fn a_harmless_id_of_the_client_is_kept() {
    let app = TestApp::new().await;

    for id in ["a", "01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001", "Root=1".replace('=', ":").as_str(), &"x".repeat(128)] {
        let found = send(&app, "/hello", Some(id.as_bytes())).await;
        let missed = send(&app, "/nowhere", Some(id.as_bytes())).await;

        assert_eq!(found.header("x-request-id"), id);
        assert_eq!(missed.problem(404)["request_id"], id);
    }
}

#[tokio::test]
async fn an_id_that_could_do_harm_in_a_log_is_replaced() {
    let app = TestApp::new().await;
    let ids: [&[u8]; 7] = [b"", b"two words", b"quote\"", b"<script>", b"{\"a\":1}", "naïve".as_bytes(), &[b'x'; 129]];

    for id in ids {
        made(&send(&app, "/nowhere", Some(id)).await);
    }
}

#[tokio::test]
async fn every_request_without_an_id_gets_one_of_its_own() {
    let app = TestApp::new().await;

    let first = made(&send(&app, "/nowhere", None).await);
    let second = made(&send(&app, "/nowhere", None).await);

    assert_ne!(first, second);
}

/// Insists on an id that was made here.
#[track_caller]
fn made(answer: &Answer) -> Uuid {
    let id: Uuid = answer.problem(404)["request_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    id
}

async fn send(app: &TestApp, path: &str, id: Option<&[u8]>) -> Answer {
    let mut request = Request::get(path);
    if let Some(id) = id {
        request = request.header("x-request-id", HeaderValue::from_bytes(id).unwrap());
    }
    app.send(request.body(Body::empty()).unwrap()).await
}
