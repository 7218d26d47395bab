//! Failures: each is a problem document whose `type` is stable and in which nothing internal shows.

mod bodies;
mod outages;
mod request_ids;

use crate::support::{Actor, TestApp};
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for path in ["/", "/v1", "/v1/", "/v1/task", "/v1/tasks/", "/v2/tasks", "/v1/tasks/1/2", "/openapi", "/%00"] {
        let answer = ada.get(path).await;

        assert_eq!(
            answer.problem(404),
            json!({
                "type": "urn:errand:problem:not-found",
                "title": "There is nothing here",
                "status": 404,
                "request_id": answer.header("x-request-id"),
            }),
            "{path}"
        );
    }
}

#[tokio::test]
async fn methods_that_a_path_does_not_have_are_refused_with_those_it_has() {
    let app = TestApp::new().await;

    for (method, path, allowed) in [
        (Method::PUT, "/v1/tasks", "GET,HEAD,POST"),
        (Method::DELETE, "/v1/tasks", "GET,HEAD,POST"),
        (Method::POST, "/v1/tasks/1", "DELETE,GET,HEAD,PATCH"),
        (Method::GET, "/v1/auth/login", "POST"),
        (Method::GET, "/v1/exports", "POST"),
        (Method::POST, "/health/live", "GET,HEAD"),
    ] {
        let request = Request::builder().method(method.clone()).uri(path).body(Body::empty()).unwrap();
        let answer = app.send(request).await;

        assert_eq!(answer.problem(405)["type"], "urn:errand:problem:method-not-allowed", "{method} {path}");
        let mut methods: Vec<&str> = answer.header("allow").split(',').collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allowed, "{method} {path}");
    }
}

/// The one way to make a handler panic without a route made for it: a clock beyond the end of time.
#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_next_request_is_served() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    app.clock.advance(chrono::TimeDelta::MAX);

    let answer = ada.get("/v1/tasks").await;

    assert_eq!(
        answer.problem(500),
        json!({
            "type": "urn:errand:problem:internal",
            "title": "Something went wrong on our side",
            "status": 500,
            "request_id": answer.header("x-request-id"),
        })
    );
    app.clock.advance(-chrono::TimeDelta::MAX);
    ada.get("/v1/tasks").await.json(200);
}

#[tokio::test]
async fn an_error_of_ours_shows_nothing_of_its_cause() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    sqlx::query("alter table tasks rename to elsewhere").execute(&mut app.db().await).await.unwrap();

    for answer in [ada.get("/v1/tasks").await, ada.post("/v1/tasks", json!({ "title": "Nap" })).await] {
        assert_eq!(
            answer.problem(500),
            json!({
                "type": "urn:errand:problem:internal",
                "title": "Something went wrong on our side",
                "status": 500,
                "request_id": answer.header("x-request-id"),
            })
        );
    }
}

#[tokio::test]
async fn a_head_request_gets_the_headers_alone() {
    let app = TestApp::new().await;

    let answer = app.send(Request::head("/hello").body(Body::empty()).unwrap()).await;

    assert_eq!(answer.text(200), "");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(Actor::nobody(&app).get("/hello").await.json(200)["message"], "Hello from Errand");
}
