//! Work in steps, each committed with where to go on.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use serde_json::json;
use shared::jobs::{End, State};
use std::time::Duration;

#[tokio::test]
async fn a_job_goes_on_from_its_checkpoint_in_fresh_attempts_and_none_of_them_counts() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Steps(7)).await;

    let ends = app.drain().await;

    assert_eq!(ends.len(), 8);
    assert!(ends[..7].iter().all(|(_, end)| *end == End::Continued), "{ends:?}");
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, job.result), (State::Succeeded, 1, Some(json!({ "steps": 7 }))));
    assert_eq!(app.effects(id).await, 7);
}

#[tokio::test]
async fn a_step_whose_commit_is_not_answered_is_there_once() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let id = app.enqueue(&Probe::Steps(2)).await;
    proxy.swallow_next_commit_answer();

    app.batch(&[id]).await;
    assert_eq!(proxy.disarm(), 0, "the fault struck");
    app.advance(Duration::from_mins(1));
    app.drain().await;

    let job = app.job(id).await;
    assert_eq!((job.state, job.result), (State::Succeeded, Some(json!({ "steps": 2 }))));
    assert_eq!((job.errors.len(), app.effects(id).await), (1, 2));
}

#[tokio::test]
async fn a_step_of_an_attempt_that_lost_its_lease_is_rolled_back() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Steps(1)).await;
    let late = app.worker.runner.claim(&[id]).await.unwrap().claimed;
    app.advance(Duration::from_secs(4));
    app.drain().await;

    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(late, std::time::Instant::now());
    let ends = shift.turn().await;

    assert_eq!(ends, [(id, End::Superseded)]);
    assert_eq!(app.effects(id).await, 1);
}

#[tokio::test]
async fn going_on_without_a_checkpoint_is_a_failed_attempt() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::InCircles).await;

    let ends = app.drain().await;

    assert_eq!(ends, [(id, End::Retrying)]);
    assert_eq!(app.job(id).await.errors, ["the attempt wants to go on later, but it has saved no checkpoint"]);
}
