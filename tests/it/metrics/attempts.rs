//! Attempts: counted by how they ended, and timed.

use super::measured;
use crate::support::probe::Probe;
use serde_json::json;
use shared::jobs::End;
use std::time::{Duration, Instant};

#[tokio::test]
async fn each_attempt_is_counted_once_by_how_it_ended() {
    let (metrics, app) = measured().await;
    let mut jobs = Vec::new();
    for probe in [Probe::Nothing, Probe::Result(json!(1)), Probe::Effect, Probe::Discard("no".to_owned())] {
        jobs.push(app.enqueue(&probe).await);
    }
    for probe in [Probe::Fail("not yet".to_owned()), Probe::Panic("oh".to_owned())] {
        jobs.push(app.enqueue(&probe).await);
    }

    app.batch(&jobs).await;

    let tally = &metrics.snapshot().tallies["probe"];
    assert_eq!((tally.count(End::Succeeded), tally.count(End::Failed), tally.count(End::Retrying)), (3, 1, 2));
    assert_eq!(tally.ends.iter().sum::<u64>(), 6);
    assert_eq!((tally.ran.count(), tally.waited.count()), (6, 6));
    app.advance(Duration::from_mins(5));
    app.drain().await;
    app.advance(Duration::from_mins(5));
    app.drain().await;
    let tally = &metrics.snapshot().tallies["probe"];
    assert_eq!((tally.count(End::Retrying), tally.count(End::Failed)), (4, 3));
    assert_eq!((tally.ran.count(), tally.waited.count()), (10, 10));
}

#[tokio::test]
async fn attempts_without_an_end_of_their_own_are_counted_too() {
    let (metrics, app) = measured().await;
    let released = app.enqueue(&Probe::Sleep(2_000)).await;
    let lost = app.enqueue(&Probe::Nothing).await;
    let jobs = app.worker.runner.claim(&[released, lost]).await.unwrap().claimed;
    sqlx::query("update jobs set epoch = epoch + 1 where id = $1")
        .bind(lost)
        .execute(&mut app.db().await)
        .await
        .unwrap();
    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(jobs, Instant::now());

    let mut ends = Vec::new();
    while ends.is_empty() {
        ends.extend(shift.turn().await);
    }
    shift.release();
    while !shift.is_idle() {
        ends.extend(shift.turn().await);
    }

    assert_eq!(ends, [(lost, End::Superseded), (released, End::Released)]);
    let tally = &metrics.snapshot().tallies["probe"];
    assert_eq!((tally.count(End::Superseded), tally.count(End::Released), tally.ran.count()), (1, 1, 2));
    app.advance(Duration::from_mins(2));
    app.tick().await;
    app.drain().await;
}

#[tokio::test]
async fn waits_count_from_when_a_job_was_due_and_runs_from_its_start() {
    let (metrics, app) = measured().await;
    app.enqueue(&Probe::Progress(1, 60)).await;
    app.advance(Duration::from_secs(100));

    app.drain().await;

    let tally = &metrics.snapshot().tallies["probe"];
    assert!((100.0..160.0).contains(&tally.waited.sum()), "{}", tally.waited.sum());
    assert!((0.06..3.0).contains(&tally.ran.sum()), "{}", tally.ran.sum());
    let at_most = |seconds| tally.waited.cumulative().find(|(bound, _)| bound.as_secs() == seconds).unwrap().1;
    assert_eq!((at_most(60), at_most(300)), (0, 1));
}

#[tokio::test]
async fn what_the_scheduler_does_with_abandoned_attempts_is_counted() {
    let (metrics, app) = measured().await;
    let id = app.enqueue(&Probe::Nothing).await;

    for _ in 0..3 {
        app.worker.runner.claim_alone(id).await.unwrap();
        app.advance(Duration::from_secs(4));
        app.tick().await;
    }

    let snapshot = metrics.snapshot();
    assert_eq!((snapshot.rescued, snapshot.exhausted), (2, 1));
}
