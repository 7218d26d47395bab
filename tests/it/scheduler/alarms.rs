//! Alarms that went off.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use chrono::TimeDelta;
use scheduler::Tick;
use shared::jobs::{NewJob, State, enqueue_many};
use std::time::Duration;

#[tokio::test]
async fn a_job_that_was_just_written_is_left_to_its_own_message() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    app.enqueue(&Probe::Nothing).await;

    assert_eq!(app.tick().await, Tick::default());
}

#[tokio::test]
async fn a_job_that_waits_in_vain_is_notified_after_two_minutes_and_then_ever_later() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    app.enqueue(&Probe::Nothing).await;

    let mut notified_after = Vec::new();
    for minute in 1..=60 {
        app.advance(Duration::from_mins(1));
        if app.tick().await.notified == 1 {
            notified_after.push(minute);
        }
    }

    let gaps: Vec<i32> = notified_after.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(notified_after[0], 2);
    assert!(gaps.windows(2).all(|pair| pair[1] >= pair[0]), "waits grow: {gaps:?}");
    assert!(gaps.iter().all(|gap| (2..=16).contains(gap)) && notified_after.len() <= 7, "and are bounded: {gaps:?}");
}

#[tokio::test]
async fn a_delayed_job_is_notified_within_the_minute_before_it_is_due() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let job = NewJob::new(&Probe::Nothing).unwrap().at(app.clock.now() + TimeDelta::minutes(10));
    app.enqueue_new(job).await;

    let mut notified_after = Vec::new();
    for minute in 0..=11 {
        if app.tick().await.notified == 1 {
            notified_after.push(minute);
        }
        app.advance(Duration::from_mins(1));
    }

    assert_eq!(notified_after, [9]);
}

#[tokio::test]
async fn an_abandoned_job_is_rescued_when_its_lease_is_over_and_not_before() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;
    app.worker.runner.claim(&[id]).await.unwrap();

    let early = app.tick().await;
    app.advance(Duration::from_millis(3_100));
    let late = app.tick().await;

    assert_eq!(early, Tick::default());
    assert_eq!(late, Tick { notified: 1, rescued: 1, ..Tick::default() });
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Available, 1));
    assert_eq!(job.errors, ["the attempt was abandoned: its lease ran out"]);
    app.drain().await;
    assert_eq!(app.effects(id).await, 1);
}

#[tokio::test]
async fn a_job_abandoned_in_its_last_attempt_is_failed() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;

    let mut ticks = Vec::new();
    for _ in 0..3 {
        app.worker.runner.claim_alone(id).await.unwrap();
        app.advance(Duration::from_secs(4));
        ticks.push(app.tick().await);
    }

    assert_eq!(ticks[1].rescued, 1);
    assert_eq!(ticks[2], Tick { exhausted: 1, ..Tick::default() });
    assert_eq!(app.job(id).await.state, State::Failed);
}

#[tokio::test]
async fn more_alarms_than_one_round_takes_are_all_rung_once_by_several_schedulers() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let jobs = (0..1_700).map(|_| NewJob::new(&Probe::Nothing).unwrap()).collect();
    enqueue_many(&mut app.db().await, jobs, &app.clock).await.unwrap();
    app.advance(Duration::from_mins(3));

    let (first, second, third) = tokio::join!(app.tick(), app.tick(), app.tick());

    assert_eq!(first.notified + second.notified + third.notified, 1_700);
}
