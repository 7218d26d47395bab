//! Effects exactly once: late attempts, lost answers, cut connections.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use serde_json::json;
use shared::jobs::{End, State};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_late_attempt_cannot_commit_after_another_has_taken_over() {
    let app = TestApp::with_kinds(kinds()).await;
    for work in [Probe::Effect, Probe::AtOnce] {
        let id = app.enqueue(&work).await;
        let late = app.worker.runner.claim(&[id]).await.unwrap().claimed;
        app.advance(Duration::from_secs(4));
        assert_eq!(app.drain().await, [(id, End::Succeeded)]);

        let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
        shift.start(late, Instant::now());
        let ends = shift.turn().await;

        assert_eq!(ends, [(id, End::Superseded)], "{work:?}");
        assert_eq!((app.effects(id).await, app.job(id).await.attempt), (1, 2), "{work:?}");
    }
}

#[tokio::test]
async fn a_late_end_without_effects_changes_nothing() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Fail("late".to_owned())).await;
    let late = app.worker.runner.claim(&[id]).await.unwrap().claimed;
    app.advance(Duration::from_secs(4));
    let other = app.worker.runner.claim_alone(id).await.unwrap().claimed;

    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(late, Instant::now());
    let mut ends = Vec::new();
    while !shift.is_idle() {
        ends.extend(shift.turn().await);
    }

    assert_eq!(ends, [(id, End::Superseded)]);
    let job = app.job(id).await;
    assert_eq!((job.state, job.epoch), (State::Running, other[0].epoch));
    assert_eq!(job.errors, ["the attempt was abandoned: its lease ran out"]);
    drop(app.may_leave_jobs());
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_leaves_the_effect_once_and_the_job_succeeded() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;
    proxy.swallow_next_commit_answer();

    let response = app.batch(&[id]).await;

    assert_eq!(proxy.disarm(), 0, "the fault struck");
    assert_eq!(response.batch_item_failures.len(), 0);
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Succeeded, 1));
    assert!(job.errors.is_empty(), "{:?}", job.errors);
    assert_eq!(app.effects(id).await, 1);
}

#[tokio::test]
async fn a_connection_cut_before_the_commit_is_a_failed_attempt_without_effect() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;
    proxy.cut_before_next_commit();

    app.batch(&[id]).await;

    assert_eq!(proxy.disarm(), 0, "the fault struck");
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, job.errors.len()), (State::Available, 1, 1));
    assert_eq!(app.effects(id).await, 0);
    app.advance(Duration::from_secs(2));
    app.drain().await;
    assert_eq!(app.effects(id).await, 1);
}

#[tokio::test]
async fn an_end_whose_answer_is_lost_is_not_written_twice() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let id = app.enqueue(&Probe::Fail("once".to_owned())).await;
    proxy.swallow_answer_of("Writes the ends of attempts");

    app.batch(&[id]).await;

    assert_eq!(proxy.disarm(), 0, "the fault struck");
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Available, 1));
    assert_eq!(job.errors, ["once"]);
    drop(app.may_leave_jobs());
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_rescued() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;
    proxy.swallow_answer_of("Claims what can be claimed");

    let response = app.batch(&[id]).await;
    let claimed = app.job(id).await.state;
    app.advance(Duration::from_secs(4));
    app.tick().await;
    app.drain().await;

    assert_eq!(response.batch_item_failures.len(), 1, "SQS delivers it again");
    assert_eq!(claimed, State::Running);
    assert_eq!(app.job(id).await.state, State::Succeeded);
    assert_eq!(app.effects(id).await, 1);
}

#[tokio::test]
async fn an_effect_and_its_end_are_one_statement_and_one_round_trip() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    for _ in 0..2 {
        // The statement is prepared, and the engine's are.
        app.run(&Probe::AtOnce).await;
    }
    let id = app.enqueue(&Probe::AtOnce).await;
    proxy.reset();

    app.batch(&[id]).await;

    assert_eq!(proxy.round_trips(), 2, "the claim, and the effect with the end: {:#?}", proxy.statements());
    let job = app.job(id).await;
    assert_eq!((job.state, job.result, app.effects(id).await), (State::Succeeded, Some(json!({ "written": true })), 1));
}

#[tokio::test]
async fn an_effect_with_its_end_whose_answer_is_lost_is_there_once() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let id = app.enqueue(&Probe::AtOnce).await;
    proxy.swallow_answer_of("with effect as");

    app.batch(&[id]).await;

    assert_eq!(proxy.disarm(), 0, "the fault struck");
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, app.effects(id).await), (State::Succeeded, 1, 1));
}

#[tokio::test]
async fn a_statement_that_did_not_end_the_job_fails_it() {
    let app = TestApp::with_kinds(kinds()).await;

    let job = app.run(&Probe::EndsAnother).await;

    assert_eq!(job.state, State::Failed);
    assert!(job.errors[0].starts_with("the statement of the attempt ended job "), "{:?}", job.errors);
}
