//! Probes.

use crate::support::TestApp;
use axum::body::Body;
use axum::http::Request;

#[tokio::test]
async fn liveness_answers_without_any_dependency() {
    let app = TestApp::at("postgres://nobody@127.0.0.1:1/none".to_owned(), ::worker::registry()).await.may_leave_jobs();

    let answer = app.send(Request::get("/health/live").body(Body::empty()).unwrap()).await;

    assert_eq!(answer.json(200)["status"], "healthy");
}
