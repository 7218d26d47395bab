//! Calling jobs off.

use super::{job, time};
use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use serde_json::{Value, json};
use shared::jobs::{NewJob, State};
use std::time::Duration;

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Effect).await;

    let cancelled = ada.act(&format!("/v1/jobs/{id}/cancel")).await.json(200);
    app.drain().await;

    assert_eq!((&cancelled["state"], &cancelled["cancel_requested"]), (&json!("cancelled"), &json!(true)));
    assert!(time(&cancelled["finished_at"]) >= time(&cancelled["created_at"]));
    assert_eq!(ada.get(&format!("/v1/jobs/{id}")).await.json(200), cancelled);
    assert_eq!(app.effects(id).await, 0);
}

#[tokio::test]
async fn a_job_of_the_future_is_cancelled_before_its_time() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let tomorrow = app.clock.now() + Duration::from_hours(24);
    let later = NewJob::new(&Probe::Effect).unwrap().owned_by(ada.id).at(tomorrow);
    let id = app.enqueue_new(later).await.row.id;

    ada.act(&format!("/v1/jobs/{id}/cancel")).await.json(200);
    app.advance(Duration::from_hours(25));
    app.drain().await;

    assert_eq!((app.job(id).await.state, app.effects(id).await), (State::Cancelled, 0));
}

#[tokio::test]
async fn a_job_that_runs_is_asked_to_stop() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Nothing).await;
    app.worker.runner.claim(&[id]).await.unwrap();

    let asked = ada.act(&format!("/v1/jobs/{id}/cancel")).await.json(200);
    let again = ada.act(&format!("/v1/jobs/{id}/cancel")).await.json(200);

    assert_eq!((&asked["state"], &asked["cancel_requested"]), (&json!("running"), &json!(true)));
    assert_eq!(asked["finished_at"], Value::Null);
    assert_eq!(again, asked);
}

#[tokio::test]
async fn a_cancelled_job_stays_cancelled() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Nothing).await;

    let first = ada.act(&format!("/v1/jobs/{id}/cancel")).await.json(200);
    let second = ada.act(&format!("/v1/jobs/{id}/cancel")).await.json(200);

    assert_eq!(first, second);
}

#[tokio::test]
async fn a_job_that_has_ended_cannot_be_cancelled() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let done = job(&app, &ada, &Probe::Nothing).await;
    let failed = job(&app, &ada, &Probe::Discard("hopeless".to_owned())).await;
    app.drain().await;

    for (id, state) in [(done, "succeeded"), (failed, "failed")] {
        let before = ada.get(&format!("/v1/jobs/{id}")).await.json(200);

        let problem = ada.act(&format!("/v1/jobs/{id}/cancel")).await.problem(409);

        assert_eq!(problem["type"], "urn:errand:problem:conflict");
        let message = format!("The job has {state} already.");
        assert_eq!(problem["errors"], json!([{ "field": "state", "code": "finished", "message": message }]));
        assert_eq!(ada.get(&format!("/v1/jobs/{id}")).await.json(200), before);
    }
}

#[tokio::test]
async fn jobs_of_others_and_of_the_system_are_not_there() {
    let app = TestApp::with_kinds(kinds()).await;
    let (ada, grace) = (app.actor().await, app.actor().await);
    let hers = job(&app, &ada, &Probe::Effect).await;
    let systems = app.enqueue(&Probe::Effect).await;

    for id in [hers, systems] {
        grace.act(&format!("/v1/jobs/{id}/cancel")).await.problem(404);
    }
    grace.act("/v1/jobs/no-id/cancel").await.problem(404);
    app.drain().await;

    assert_eq!((app.effects(hers).await, app.effects(systems).await), (1, 1));
}
