//! Each nominal time becomes one job, at its second.

use super::{another, app_with, at, go_to, made, probe, row};
use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use scheduler::{Schedule, Scheduler, Schedules};
use serde_json::json;
use shared::jobs::{self, Misfire, NewJob, Unique, schedule};
use sqlx::Connection as _;
use std::time::Duration;

#[tokio::test]
async fn five_schedulers_at_once_make_each_job_once() {
    let schedule = probe("each_minute", "* * * * *", Misfire::Skip);
    let app = app_with(schedule, "2030-05-01T12:00:30Z").await;
    let five: Vec<Scheduler> = (0..5).map(|_| another(&app, vec![schedule])).collect();

    let mut scheduled = 0;
    for _ in 0..20 {
        let ticks = join_all(five.iter().map(Scheduler::tick)).await;
        scheduled += ticks.into_iter().map(|tick| tick.unwrap().scheduled).sum::<usize>();
        app.advance(Duration::from_secs(30));
    }

    let first = at("2030-05-01T12:01:00Z");
    let expected: Vec<DateTime<Utc>> = (0..made(&app).await.len()).map(|n| first + minutes(n)).collect();
    assert_eq!(made(&app).await, expected, "none is missing and none is there twice");
    assert_eq!(scheduled, expected.len());
    assert!((11..=12).contains(&scheduled), "{scheduled}");
}

/// As `docs/jobs.md` has it of backfills: the key stays with a job that succeeded, and is given back by one that failed.
#[tokio::test]
async fn a_backfill_is_made_once_and_anew_when_it_failed() {
    fn once(work: &Probe) -> Result<NewJob, serde_json::Error> {
        Ok(NewJob::new(work)?.unique(Unique::exclusive("all").within(Duration::from_hours(24 * 90))))
    }
    let succeeds = Schedule::new("backfill", "11 * * * *", "UTC", Misfire::Once, |_| once(&Probe::Steps(3)));
    let fails = Schedule::new("backfill", "11 * * * *", "UTC", Misfire::Once, |_| once(&Probe::Discard("no".into())));

    for (schedule, expected) in [(succeeds, (1, 3)), (fails, (4, 0))] {
        let app = app_with(schedule, "2030-05-01T12:00:00Z").await;
        for _ in 0..4 {
            app.advance(Duration::from_hours(1));
            app.tick().await;
            app.drain().await;
        }

        let count = "select (select count(*) from jobs), (select count(*) from effects)";
        let found: (i64, i64) = sqlx::query_as(count).fetch_one(&mut app.db().await).await.unwrap();
        assert_eq!(found, expected, "jobs and effects");
    }
}

#[tokio::test]
async fn a_scheduler_that_holds_its_transaction_open_neither_holds_up_nor_doubles() {
    for commits in [true, false] {
        let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;
        go_to(&app, "2030-05-02T03:00:01Z");
        let seen = row(&app).await;
        let mut slow = app.db().await;
        let mut tx = slow.begin().await.unwrap();
        assert!(schedule::hold(&mut tx, &seen).await.unwrap());
        let job = NewJob::new(&Probe::Result(json!(seen.next_at))).unwrap();
        let job = jobs::enqueue(&mut tx, job, &app.clock).await.unwrap().row.id;
        let last = Some((seen.next_at, job));
        schedule::advance(&mut tx, &seen, seen.next_at + TimeDelta::days(1), last, None, &app.clock).await.unwrap();

        let meanwhile = app.tick().await.scheduled;
        if commits {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        let afterwards = app.tick().await.scheduled;

        assert_eq!((meanwhile, afterwards), (0, usize::from(!commits)));
        assert_eq!(made(&app).await, [at("2030-05-02T03:00:00Z")]);
    }
}

#[tokio::test]
async fn a_scheduler_that_saw_the_row_before_it_was_moved_makes_nothing() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;
    go_to(&app, "2030-05-02T03:00:01Z");
    let seen = row(&app).await;
    app.tick().await;

    let held = schedule::hold(&mut app.db().await, &seen).await.unwrap();

    assert!(!held);
}

/// Wherever the connection is lost: the job is there if and only if the schedule has moved on.
#[tokio::test]
async fn a_lost_connection_leaves_both_or_neither() {
    for fault in ["hold", "insert", "advance", "before the commit", "after the commit"] {
        let (proxy, mut app) = TestApp::behind_proxy(kinds()).await;
        app = app.may_leave_jobs();
        app.scheduler.schedules = Schedules::new(vec![probe("nightly", "0 3 * * *", Misfire::Once)]);
        go_to(&app, "2030-05-01T12:00:00Z");
        app.tick().await;
        go_to(&app, "2030-05-02T03:00:01Z");
        match fault {
            "hold" => proxy.swallow_answer_of("select name from schedules"),
            "insert" => proxy.swallow_answer_of("insert into jobs"),
            "advance" => proxy.swallow_answer_of("update schedules"),
            "before the commit" => proxy.cut_before_next_commit(),
            _ => proxy.swallow_next_commit_answer(),
        }

        app.scheduler.tick().await.unwrap_err();
        let (struck, jobs, moved) =
            (proxy.disarm() == 0, made(&app).await.len(), row(&app).await.next_at > at("2030-05-02T03:00:00Z"));
        app.tick().await;

        assert!(struck, "{fault}");
        assert_eq!((jobs == 1, moved), (fault == "after the commit", fault == "after the commit"), "{fault}");
        assert_eq!(made(&app).await, [at("2030-05-02T03:00:00Z")], "{fault}");
    }
}

/// A tick a minute: the job is made in the minutes before, and starts at its second.
#[tokio::test]
async fn a_job_starts_at_its_second() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;
    go_to(&app, "2030-05-02T02:57:40Z");
    let early = app.tick().await.scheduled;
    go_to(&app, "2030-05-02T02:58:40Z");
    let ahead = app.tick().await.scheduled;
    go_to(&app, "2030-05-02T02:59:58Z");
    let before = (app.tick().await.scheduled, app.drain().await.len());
    go_to(&app, "2030-05-02T03:00:00.001Z");
    let ran = app.drain().await.len();

    assert_eq!((early, ahead, before, ran), (0, 1, (0, 0), 1));
    let run_at: DateTime<Utc> =
        sqlx::query_scalar("select run_at from jobs").fetch_one(&mut app.db().await).await.unwrap();
    assert_eq!(run_at, at("2030-05-02T03:00:00Z"));
}

#[tokio::test]
async fn many_schedules_are_due_at_once() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let all: Vec<Schedule> = names.map(|name| probe(name, "*/10 * * * *", Misfire::Once)).into();
    let mut app = TestApp::with_kinds(kinds()).await;
    app.scheduler.schedules = Schedules::new(all);
    go_to(&app, "2030-05-01T12:05:00Z");
    app.tick().await;
    go_to(&app, "2030-05-01T12:10:00Z");

    let tick = app.tick().await;
    let ran = app.drain().await;

    assert_eq!((tick.scheduled, ran.len()), (8, 8));
}

fn minutes(count: usize) -> TimeDelta {
    TimeDelta::minutes(count.try_into().unwrap())
}
