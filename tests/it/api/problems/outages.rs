//! A database that is not there.

use crate::support::{Actor, Answer, TestApp};
use serde_json::{Value, json};
use shared::ids::OwnerId;

#[tokio::test]
async fn a_database_that_is_down_is_told_as_temporary_and_with_nothing_internal() {
    let app = TestApp::without_database();
    let token = app.api.signing.issue(OwnerId::new(), app.clock.now()).await.unwrap();
    let ada = Actor::new(&app, OwnerId::new(), token);
    let path = format!("/v1/tasks/{}", shared::ids::anonymous());
    let credentials = json!({ "email": "ada@example.com", "password": "correct horse battery staple" });

    let (list, get, create, export, jobs, login) = tokio::join!(
        ada.get("/v1/tasks"),
        ada.get(&path),
        ada.post("/v1/tasks", json!({ "title": "Nap" })),
        ada.post("/v1/exports", json!({ "format": "csv" })),
        ada.get("/v1/jobs"),
        ada.post("/v1/auth/login", credentials),
    );

    for answer in [list, get, create, export, jobs, login] {
        assert_eq!(answer.header("retry-after"), "5");
        assert_eq!(answer.problem(503), unavailable(&answer));
    }
}

#[tokio::test]
async fn requests_are_served_again_when_the_database_is_back() {
    let (proxy, app) = TestApp::behind_proxy(::worker::registry()).await;
    let ada = app.actor().await;
    let task = ada.task(json!({})).await;

    proxy.refuse(true);
    let down = ada.get("/v1/tasks").await;
    let create = ada.post("/v1/tasks", json!({ "title": "lost" })).await;
    proxy.refuse(false);
    let back = ada.get("/v1/tasks").await;

    assert_eq!((down.problem(503), create.problem(503)), (unavailable(&down), unavailable(&create)));
    assert_eq!(back.json(200)["items"], json!([task]));
}

fn unavailable(answer: &Answer) -> Value {
    json!({
        "type": "urn:errand:problem:unavailable",
        "title": "The service is not available right now",
        "status": 503,
        "detail": "Try again in a few seconds.",
        "request_id": answer.header("x-request-id"),
    })
}
