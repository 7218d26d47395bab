//! Writing jobs.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use chrono::TimeDelta;
use serde_json::json;
use shared::jobs::{self, NewJob, State};
use sqlx::Connection as _;

#[tokio::test]
async fn a_commit_makes_the_job_and_a_rollback_does_not() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;

    let mut tx = db.begin().await.unwrap();
    jobs::enqueue(&mut tx, NewJob::new(&Probe::Nothing).unwrap(), &app.clock).await.unwrap();
    tx.rollback().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let kept = jobs::enqueue(&mut tx, NewJob::new(&Probe::Nothing).unwrap(), &app.clock).await.unwrap();
    tx.commit().await.unwrap();

    let ran: Vec<_> = app.drain().await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ran, [kept.row.id]);
}

#[tokio::test]
async fn many_jobs_are_one_statement_and_keep_their_order() {
    let app = TestApp::with_kinds(kinds()).await;
    let new: Vec<_> = (0..1_000).map(|n| NewJob::new(&Probe::Result(json!(n))).unwrap()).collect();

    let enqueued = jobs::enqueue_many(&mut app.db().await, new, &app.clock).await.unwrap();
    app.drain().await;

    assert_eq!(enqueued.len(), 1_000);
    for n in [0, 1, 499, 999] {
        assert_eq!(app.job(enqueued[n].row.id).await.result, Some(json!(n)));
    }
}

#[tokio::test]
async fn a_nul_character_in_a_payload_is_left_out() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Result(json!("a\0b"))).await;

    app.drain().await;

    assert_eq!(app.job(id).await.result, Some(json!("ab")));
}

#[tokio::test]
async fn a_job_within_the_horizon_is_notified_with_its_delay_and_a_later_one_is_not() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let in_seconds = |seconds| NewJob::new(&Probe::Nothing).unwrap().at(app.clock.now() + TimeDelta::seconds(seconds));

    let now = app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap()).await;
    let soon = app.enqueue_new(in_seconds(100)).await;
    let later = app.enqueue_new(in_seconds(3 * 24 * 3600)).await;

    assert_eq!(now.notice.unwrap().after.as_secs(), 0);
    assert!((98..=100).contains(&soon.notice.unwrap().after.as_secs()));
    assert!(later.notice.is_none());
    assert_eq!(later.row.state, State::Available);
}

#[tokio::test]
async fn a_job_does_not_run_before_its_time() {
    let app = TestApp::with_kinds(kinds()).await;
    let job = NewJob::new(&Probe::Effect).unwrap().at(app.clock.now() + TimeDelta::days(3));
    let id = app.enqueue_new(job).await.row.id;

    let early = app.drain().await;
    app.advance(TimeDelta::days(3).to_std().unwrap());
    let in_time = app.drain().await;

    assert!(early.is_empty());
    assert_eq!(in_time.len(), 1);
    assert_eq!(app.effects(id).await, 1);
}
