//! Hosts that stop: running jobs go back as if their attempts had not been.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use shared::jobs::{End, State};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_released_job_gets_its_attempt_back() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Sleep(2_000)).await;
    let jobs = app.worker.runner.claim(&[id]).await.unwrap().claimed;
    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(jobs, Instant::now());

    shift.release();
    let mut ends = Vec::new();
    while !shift.is_idle() {
        ends.extend(shift.turn().await);
    }

    assert_eq!(ends, [(id, End::Released)]);
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, job.errors.len()), (State::Available, 0, 0));
    assert_eq!(app.drain().await, [(id, End::Succeeded)]);
    assert_eq!(app.effects(id).await, 1);
}
