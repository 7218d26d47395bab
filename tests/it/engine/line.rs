//! The line in front of workers without a queue: priorities, and a fair share for each owner.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use chrono::TimeDelta;
use shared::ids::{JobId, OwnerId};
use shared::jobs::{self, NewJob, Place, Priority, enqueue_many};
use std::time::Duration;

fn job() -> NewJob {
    NewJob::new(&Probe::Nothing).unwrap()
}

async fn next(app: &TestApp, jobs: usize) -> Vec<JobId> {
    let claimed = app.worker.runner.claim_due(jobs, Place::START).await.unwrap();
    claimed.jobs.into_iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn the_more_urgent_job_is_first_whenever_it_was_written() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let low = app.enqueue_new(job().priority(Priority::LOW)).await.row.id;
    let usual = app.enqueue_new(job()).await.row.id;
    let high = app.enqueue_new(job().priority(Priority::HIGH)).await.row.id;

    let mut order = Vec::new();
    for _ in 0..3 {
        order.extend(next(&app, 1).await);
    }

    assert_eq!(order, [high, usual, low]);
}

#[tokio::test]
async fn ten_thousand_jobs_of_one_owner_do_not_delay_the_one_of_another() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let crowd = OwnerId::new();
    let mut db = app.db().await;
    for _ in 0..10 {
        let jobs = (0..1_000).map(|_| job().owned_by(crowd)).collect();
        enqueue_many(&mut db, jobs, &app.clock).await.unwrap();
    }
    let taken_before = next(&app, 50).await.len();
    app.advance(Duration::from_secs(30));

    let single = app.enqueue_new(job().owned_by(OwnerId::new())).await.row.id;
    let system = app.enqueue_new(job()).await.row.id;

    assert_eq!(taken_before, 50);
    let first = next(&app, 2).await;
    assert!(first.contains(&single) && first.contains(&system), "they are next in the line");
}

/// A loop of single enqueues is a crowd as well.
#[tokio::test]
async fn jobs_that_are_written_one_by_one_stand_apart_too() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let crowd = OwnerId::new();
    for _ in 0..20 {
        app.enqueue_new(job().owned_by(crowd)).await;
    }
    app.advance(Duration::from_secs(5));
    let single = app.enqueue_new(job().owned_by(OwnerId::new())).await.row.id;

    let order = [next(&app, 1).await, next(&app, 1).await].concat();

    assert!(order.contains(&single), "one of the crowd goes before it at most");
}

#[tokio::test]
async fn delayed_jobs_that_come_due_together_stand_apart_too() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let (crowd, at) = (OwnerId::new(), app.clock.now() + TimeDelta::hours(1));
    let jobs = (0..500).map(|_| job().owned_by(crowd).at(at)).collect();
    enqueue_many(&mut app.db().await, jobs, &app.clock).await.unwrap();
    app.advance(Duration::from_mins(61));
    app.worker.runner.ring(1_000).await.unwrap();

    let single = app.enqueue_new(job().owned_by(OwnerId::new())).await.row.id;
    // The crowd's first two have their turns before now: their time was a minute ago.
    let order = next(&app, 3).await;

    assert!(order.contains(&single), "{order:?}");
}

#[tokio::test]
async fn one_owners_jobs_keep_their_order() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let owner = OwnerId::new();
    let jobs = (0..5).map(|_| job().owned_by(owner)).collect();
    let written = enqueue_many(&mut app.db().await, jobs, &app.clock).await.unwrap();
    let last = app.enqueue_new(job().owned_by(owner)).await.row.id;

    let mut order = Vec::new();
    for _ in 0..6 {
        order.extend(next(&app, 1).await);
    }

    let expected: Vec<JobId> = written.iter().map(|job| job.row.id).chain([last]).collect();
    assert_eq!(order, expected);
}

#[tokio::test]
async fn jobs_that_are_taken_up_again_stand_apart_too() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let crowd = OwnerId::new();
    let mut db = app.db().await;
    for _ in 0..10 {
        let failed = app.enqueue_new(job().owned_by(crowd)).await.row.id;
        jobs::cancel(&mut db, None, failed, &app.clock).await.unwrap();
        jobs::retry(&mut db, None, failed, &app.clock).await.unwrap();
    }
    app.advance(Duration::from_secs(5));
    let single = app.enqueue_new(job().owned_by(OwnerId::new())).await.row.id;

    assert!(next(&app, 2).await.contains(&single), "one of the crowd goes before it at most");
}

#[tokio::test]
async fn jobs_that_are_moved_to_now_stand_apart_too() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let (crowd, later) = (OwnerId::new(), app.clock.now() + TimeDelta::hours(1));
    let mut db = app.db().await;
    for _ in 0..10 {
        let moved = app.enqueue_new(job().owned_by(crowd).at(later)).await.row.id;
        jobs::reschedule(&mut db, moved, app.clock.now(), &app.clock).await.unwrap();
    }
    app.advance(Duration::from_secs(5));
    let single = app.enqueue_new(job().owned_by(OwnerId::new())).await.row.id;

    assert!(next(&app, 2).await.contains(&single), "one of the crowd goes before it at most");
}
