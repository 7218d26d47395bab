//! Putting a job off, and saying when to try again.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use shared::jobs::{End, State};
use std::time::Duration;

#[tokio::test]
async fn a_snoozed_job_comes_back_without_having_used_up_an_attempt() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::Snooze(10)).await;

    let first = app.drain().await;
    let early = app.drain().await;
    app.advance(Duration::from_secs(11));
    let second = app.drain().await;

    assert_eq!((first, early, second), (vec![(id, End::Snoozed)], vec![], vec![(id, End::Snoozed)]));
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, job.errors.len()), (State::Available, 0, 0));
    assert!(job.epoch >= 4, "each claim and each end raises the fence");
}

#[tokio::test]
async fn a_job_cannot_be_put_off_beyond_its_age() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Snooze(25)).await;

    let mut ends = Vec::new();
    for _ in 0..4 {
        ends.extend(app.drain().await.into_iter().map(|(_, end)| end));
        app.advance(Duration::from_secs(26));
    }

    assert_eq!(ends, [End::Snoozed, End::Snoozed, End::Failed]);
    assert_eq!(app.job(id).await.errors, ["the job was put off until it was older than it may be"]);
}

#[tokio::test]
async fn a_job_is_not_put_off_for_less_than_a_second() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::Snooze(0)).await;

    app.drain().await;

    let wait = "select extract(epoch from run_at - started_at)::float8 from jobs where id = $1";
    let wait: f64 = sqlx::query_scalar(wait).bind(id).fetch_one(&mut app.db().await).await.unwrap();
    assert!(wait >= 1.0, "{wait}");
}

#[tokio::test]
async fn a_retry_comes_when_the_other_side_said() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::RetryIn(3_600)).await;

    app.drain().await;
    app.advance(Duration::from_secs(3_590));
    let early = app.drain().await;
    app.advance(Duration::from_secs(11));
    let late = app.drain().await;

    assert_eq!((early, late), (vec![], vec![(id, End::Retrying)]));
    assert_eq!((app.job(id).await.attempt, app.job(id).await.errors.len()), (2, 2));
}
