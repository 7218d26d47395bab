//! Leases: kept by heartbeats, and given up when they are lost.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use shared::jobs::{End, State};
use sqlx::Connection as _;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_running_attempt_keeps_its_lease_and_reports_its_progress() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Progress(42, 1_500)).await;
    let jobs = app.worker.runner.claim(&[id]).await.unwrap().claimed;
    let lease_end = "select extract(epoch from wake_at - clock_timestamp())::float8 from jobs where id = $1";

    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(jobs, Instant::now());
    // The heartbeat of a lease of three seconds comes after one; the attempt ends half a second later.
    let mut progress = None;
    while !shift.is_idle() && progress.is_none() {
        shift.turn().await;
        progress = app.job(id).await.progress;
    }
    let left: f64 = sqlx::query_scalar(lease_end).bind(id).fetch_one(&mut app.db().await).await.unwrap();
    while !shift.is_idle() {
        shift.turn().await;
    }

    assert_eq!(progress, Some(42));
    assert!(left > 2.5, "the lease was extended after a second, {left} s are left");
    assert_eq!(app.job(id).await.progress, Some(100));
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_is_stopped() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Sleep(2_800)).await;
    let jobs = app.worker.runner.claim(&[id]).await.unwrap().claimed;
    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(jobs, Instant::now());

    sqlx::query("update jobs set wake_at = now() - interval '1 s' where id = $1")
        .bind(id)
        .execute(&mut app.db().await)
        .await
        .unwrap();
    app.tick().await;
    let ends = loop {
        let ends = shift.turn().await;
        if !ends.is_empty() {
            break ends;
        }
    };

    assert_eq!(ends, [(id, End::Superseded)]);
    assert_eq!(app.effects(id).await, 0);
    assert_eq!(app.job(id).await.state, State::Available);
    assert_eq!(app.drain().await, [(id, End::Succeeded)]);
    assert_eq!(app.effects(id).await, 1);
}

#[tokio::test]
async fn a_row_that_somebody_holds_keeps_no_other_lease_from_being_kept() {
    let app = TestApp::with_kinds(kinds()).await;
    let ids = [app.enqueue(&Probe::Progress(42, 2_500)).await, app.enqueue(&Probe::Progress(42, 2_500)).await];
    let [held, free] = ids;
    let jobs = app.worker.runner.claim(&ids).await.unwrap().claimed;
    let mut other = app.db().await;
    let mut tx = other.begin().await.unwrap();
    sqlx::query("select 1 from jobs where id = $1 for update").bind(held).execute(&mut *tx).await.unwrap();

    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(jobs, Instant::now());
    while shift.running() == 2 && app.job(free).await.progress.is_none() {
        shift.turn().await;
    }
    let running = shift.running();
    tx.rollback().await.unwrap();
    let mut ends = Vec::new();
    while !shift.is_idle() {
        ends.extend(shift.turn().await);
    }

    assert_eq!(running, 2, "the heartbeat came through before they ended");
    assert_eq!(app.job(free).await.state, State::Succeeded);
    assert_eq!(app.job(held).await.state, State::Succeeded, "{ends:?}");
}
