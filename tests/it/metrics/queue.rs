//! The depth of the queue, as a tick reads it.

use super::measured;
use crate::support::probe::Probe;
use chrono::TimeDelta;
use shared::jobs::{NewJob, stats_up_to};
use shared::metrics::Depth;
use std::time::Duration;

#[tokio::test]
async fn a_tick_reads_what_is_due_scheduled_and_running_and_the_age_of_the_oldest() {
    let (metrics, app) = measured().await;
    let app = app.may_leave_jobs();
    app.enqueue(&Probe::Nothing).await;
    app.advance(Duration::from_secs(90));
    let running = app.enqueue(&Probe::Nothing).await;
    app.enqueue(&Probe::Nothing).await;
    app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap().at(app.clock.now() + TimeDelta::days(1))).await;
    app.worker.runner.claim(&[running]).await.unwrap();

    app.tick().await;

    let depth = metrics.snapshot().depths["probe"];
    assert_eq!((depth.due, depth.scheduled, depth.running, depth.unsupported), (2, 1, 1, 0));
    assert!((90.0..180.0).contains(&depth.oldest_due_s), "{}", depth.oldest_due_s);
}

#[tokio::test]
async fn a_kind_whose_last_job_ended_is_shown_as_empty() {
    let (metrics, app) = measured().await;
    app.enqueue(&Probe::Nothing).await;
    app.tick().await;
    app.drain().await;
    app.advance(Duration::from_mins(1));

    app.tick().await;

    let snapshot = metrics.snapshot();
    assert_eq!((snapshot.reads, snapshot.depths["probe"]), (2, Depth::default()));
}

#[tokio::test]
async fn it_is_read_once_a_minute_at_most() {
    let (metrics, app) = measured().await;

    for _ in 0..12 {
        app.tick().await;
        app.advance(Duration::from_secs(5));
    }

    assert_eq!(metrics.snapshot().reads, 2);
}

#[tokio::test]
async fn counting_ends_at_the_limit() {
    let (_, app) = measured().await;
    let app = app.may_leave_jobs();
    for _ in 0..5 {
        app.enqueue(&Probe::Nothing).await;
    }

    let stats = stats_up_to(&mut app.db().await, 3, &app.clock).await.unwrap();

    assert_eq!(stats[0].available, 3);
}
