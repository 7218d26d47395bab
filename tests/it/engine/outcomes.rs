//! How attempts end, and what becomes of their jobs.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use serde_json::json;
use shared::jobs::{End, State};
use std::time::Duration;

#[tokio::test]
async fn a_result_is_kept_on_the_row() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Result(json!({ "answer": 42 }))).await;

    let ends = app.drain().await;

    assert_eq!(ends, [(id, End::Succeeded)]);
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, job.result), (State::Succeeded, 1, Some(json!({ "answer": 42 }))));
}

#[tokio::test]
async fn an_effect_is_committed_with_the_end() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;

    app.drain().await;

    assert_eq!(app.job(id).await.state, State::Succeeded);
    assert_eq!(app.effects(id).await, 1);
}

#[tokio::test]
async fn failed_attempts_are_kept_and_the_last_one_fails_the_job() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Fail("no luck".to_owned())).await;

    let mut ends = Vec::new();
    for _ in 0..3 {
        ends.extend(app.drain().await.into_iter().map(|(_, end)| end));
        app.advance(Duration::from_mins(15));
    }

    assert_eq!(ends, [End::Retrying, End::Retrying, End::Failed]);
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Failed, 3));
    assert_eq!(job.errors, ["no luck"; 3]);
}

#[tokio::test]
async fn a_discarded_job_is_not_tried_again() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Discard("hopeless".to_owned())).await;

    app.drain().await;

    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Failed, 1));
    assert_eq!(job.errors, ["hopeless"]);
}
