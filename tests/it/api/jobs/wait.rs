//! Waiting for the end of a job.

use super::job;
use crate::support::probe::{Probe, kinds};
use crate::support::{TestApp, postgres};
use ::api::AppState;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// Less than the requests here would wait: an answer within this time was not waited for to the end.
const SOON: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_job_that_has_ended_is_answered_at_once() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Result(json!(42))).await;
    app.drain().await;
    let started = Instant::now();

    let found = ada.get(&format!("/v1/jobs/{id}?wait=20")).await.json(200);

    assert_eq!((&found["state"], &found["result"]), (&json!("succeeded"), &json!(42)));
    assert!(started.elapsed() < SOON);
}

#[tokio::test]
async fn the_answer_comes_when_the_job_ends() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Discard("hopeless".to_owned())).await;
    let started = Instant::now();
    let path = format!("/v1/jobs/{id}?wait=20");

    let (found, _) = tokio::join!(ada.get(&path), app.drain());

    assert_eq!(found.json(200)["state"], "failed");
    assert!(started.elapsed() < SOON);
}

#[tokio::test]
async fn a_job_that_does_not_end_is_answered_as_it_is_then() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Nothing).await;
    let started = Instant::now();
    let path = format!("/v1/jobs/{id}?wait=1");

    let ids = [id];
    let (found, claimed) = tokio::join!(ada.get(&path), app.worker.runner.claim(&ids));

    claimed.unwrap();
    assert_eq!(found.json(200)["state"], "running");
    assert!(started.elapsed() >= Duration::from_secs(1));
    let started = Instant::now();
    assert_eq!(ada.get(&format!("/v1/jobs/{id}?wait=0")).await.json(200)["state"], "running");
    assert!(started.elapsed() < SOON);
}

/// With one connection, as on Lambda: four requests wait, and others are served meanwhile.
#[tokio::test]
async fn who_waits_holds_no_connection() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Nothing).await;
    let router = ::api::app(AppState { db: postgres::handle(&app.url, 1), ..app.api.clone() });
    let get = async |path: String| -> Value {
        let request = Request::get(path).header("authorization", format!("Bearer {}", ada.token));
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
    };
    let wait = || get(format!("/v1/jobs/{id}?wait=20"));
    let meanwhile = async {
        for _ in 0..20 {
            assert_eq!(get("/v1/jobs".to_owned()).await["items"][0]["state"], "available");
        }
        app.drain().await;
    };
    let started = Instant::now();

    let (first, second, third, fourth, ()) = tokio::join!(wait(), wait(), wait(), wait(), meanwhile);

    for found in [first, second, third, fourth] {
        assert_eq!(found["state"], "succeeded");
    }
    assert!(started.elapsed() < SOON);
}

#[tokio::test]
async fn a_job_of_somebody_else_is_not_waited_for() {
    let app = TestApp::with_kinds(kinds()).await;
    let (ada, grace) = (app.actor().await, app.actor().await);
    let id = job(&app, &ada, &Probe::Nothing).await;
    let started = Instant::now();

    let path = format!("/v1/jobs/{id}?wait=20");
    grace.get(&path).await.problem(404);

    assert!(started.elapsed() < SOON);
    app.drain().await;
}

#[tokio::test]
async fn a_wrong_wait_is_refused_by_name() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Nothing).await;
    app.drain().await;

    for (query, error) in [
        ("wait=21", "wait: out_of_range"),
        ("wait=-1", "wait: out_of_range"),
        ("wait=", "wait: wrong_type"),
        ("wait=1.5", "wait: wrong_type"),
        ("wait=forever", "wait: wrong_type"),
        ("wait=1&wait=2", "wait: duplicate"),
        ("await=1", "await: unknown"),
    ] {
        assert_eq!(ada.get(&format!("/v1/jobs/{id}?{query}")).await.refused(), [error], "{query}");
    }
}
