//! Pruning: which jobs go, when, and in what steps.

use crate::support::TestApp;
use crate::support::postgres;
use crate::support::probe::{NewerProbe, Probe, kinds};
use serde_json::Value;
use shared::jobs::{NewJob, Pruned, Retention, Unique, prune};
use sqlx::{AssertSqlSafe, PgConnection};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
const RETENTION: Retention =
    Retention { succeeded: Duration::from_hours(10 * 24), failed: Duration::from_hours(20 * 24) };
const STATEMENT: &str = include_str!("../../../shared/src/jobs/prune.sql");

#[tokio::test]
async fn each_state_is_kept_for_its_own_time() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    for state in ["succeeded", "failed", "cancelled"] {
        for days in [9, 11, 19, 21] {
            finished(&mut db, state, days, 1).await;
        }
    }

    let pruned = prune(&mut db, 100, RETENTION, &app.clock).await.unwrap();

    assert_eq!(pruned, Pruned { deleted: 5, goes_on: false });
    let kept = ["cancelled 11", "cancelled 19", "cancelled 9", "failed 11", "failed 19", "failed 9", "succeeded 9"];
    let left = "select state || ' ' || extract(day from now() - finished_at) from jobs order by 1";
    let left: Vec<String> = sqlx::query_scalar(left).fetch_all(&mut db).await.unwrap();
    assert_eq!(left, kept);
}

#[tokio::test]
async fn an_unfinished_job_stays_however_old_it_is() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let mut db = app.db().await;
    let running = app.enqueue(&Probe::Nothing).await;
    app.enqueue(&Probe::Nothing).await;
    app.enqueue(&NewerProbe).await;
    app.worker.runner.claim(&[running]).await.unwrap();
    app.advance(400 * DAY);

    let pruned = prune(&mut db, 100, RETENTION, &app.clock).await.unwrap();

    assert_eq!((pruned.deleted, count(&mut db).await), (0, 3));
}

#[tokio::test]
async fn a_job_that_ended_lately_stays_however_old_it_is() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    app.enqueue(&Probe::Nothing).await;
    app.advance(400 * DAY);
    app.drain().await;

    let early = lap(&mut db, 100, &app).await;
    app.advance(10 * DAY + Duration::from_hours(1));
    let late = lap(&mut db, 100, &app).await;

    assert_eq!((early, late), (0, 1));
}

#[tokio::test]
async fn a_job_stays_while_its_key_is_held_and_takes_the_key_along() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    let held = NewJob::new(&Probe::Nothing).unwrap().unique(Unique::coalesce("held").within(30 * DAY));
    let free = NewJob::new(&Probe::Nothing).unwrap().unique(Unique::coalesce("free"));
    let (held, free) = (app.enqueue_new(held).await.row.id, app.enqueue_new(free).await.row.id);
    app.drain().await;
    let keys = "select key from job_keys order by key";

    app.advance(11 * DAY);
    let first = lap(&mut db, 100, &app).await;
    let kept: Vec<String> = sqlx::query_scalar(keys).fetch_all(&mut db).await.unwrap();
    let again = NewJob::new(&Probe::Nothing).unwrap().unique(Unique::coalesce("held"));
    let joined = app.enqueue_new(again).await;
    app.advance(20 * DAY);
    let second = lap(&mut db, 100, &app).await;
    let left: Vec<String> = sqlx::query_scalar(keys).fetch_all(&mut db).await.unwrap();

    assert_eq!((first, kept), (1, vec!["held".to_owned()]));
    assert!(joined.joined && joined.row.id == held && held != free);
    assert_eq!((second, left.len(), count(&mut db).await), (1, 0, 0));
}

#[tokio::test]
async fn a_lap_goes_in_steps_and_the_next_one_begins_an_hour_later() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    finished(&mut db, "succeeded", 11, 25).await;

    let mut steps = Vec::new();
    for _ in 0..4 {
        steps.push(prune(&mut db, 10, RETENTION, &app.clock).await.unwrap());
    }
    finished(&mut db, "succeeded", 11, 1).await;
    app.advance(Duration::from_mins(59));
    let early = prune(&mut db, 10, RETENTION, &app.clock).await.unwrap();
    app.advance(Duration::from_mins(2));
    let next = prune(&mut db, 10, RETENTION, &app.clock).await.unwrap();

    let step = |deleted, goes_on| Pruned { deleted, goes_on };
    assert_eq!(steps, [step(10, true), step(10, true), step(5, false), step(0, false)]);
    assert_eq!((early, next), (step(0, false), step(1, false)));
}

/// A lap goes past what has to stay.
#[tokio::test]
async fn a_step_that_deletes_nothing_moves_on() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    finished(&mut db, "failed", 15, 20).await;
    finished(&mut db, "succeeded", 11, 3).await;

    let (first, second) = (
        prune(&mut db, 10, RETENTION, &app.clock).await.unwrap(),
        prune(&mut db, 10, RETENTION, &app.clock).await.unwrap(),
    );
    let third = prune(&mut db, 10, RETENTION, &app.clock).await.unwrap();

    assert_eq!([first, second], [Pruned { deleted: 0, goes_on: true }; 2]);
    assert_eq!(third, Pruned { deleted: 3, goes_on: false });
}

#[tokio::test]
async fn what_somebody_holds_is_left_for_the_next_lap() {
    let app = TestApp::with_kinds(kinds()).await;
    let (mut db, mut holder) = (app.db().await, app.db().await);
    for key in ["key", "row"] {
        app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap().unique(Unique::coalesce(key))).await;
    }
    app.drain().await;
    app.advance(11 * DAY);
    postgres::run(&mut holder, "begin").await;
    postgres::run(&mut holder, "select from job_keys where key = 'key' for update").await;
    postgres::run(&mut holder, "select from jobs where unique_key = 'row' for no key update").await;

    let held = lap(&mut db, 100, &app).await;
    postgres::run(&mut holder, "rollback").await;
    app.advance(Duration::from_mins(61));
    let free = lap(&mut db, 100, &app).await;

    assert_eq!((held, free), (0, 2));
}

#[tokio::test]
async fn several_at_once_delete_each_job_once() {
    let app = TestApp::with_kinds(kinds()).await;
    finished(&mut app.db().await, "succeeded", 11, 3_000).await;
    let pruner = async || {
        let mut db = app.db().await;
        let mut deleted = 0;
        while count(&mut db).await > 0 {
            deleted += prune(&mut db, 100, RETENTION, &app.clock).await.unwrap().deleted;
        }
        deleted
    };

    let (a, b, c, d) = tokio::join!(pruner(), pruner(), pruner(), pruner());

    assert_eq!(a + b + c + d, 3_000);
}

/// A statement is a transaction: none deletes more than a step.
#[tokio::test]
async fn a_hundred_thousand_jobs_go_in_a_hundred_steps() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    finished(&mut db, "succeeded", 11, 100_000).await;

    let mut steps = Vec::new();
    loop {
        let step = prune(&mut db, 1_000, RETENTION, &app.clock).await.unwrap();
        steps.push(step.deleted);
        if !step.goes_on {
            break;
        }
    }

    assert_eq!(steps.len(), 101);
    assert!(steps.iter().all(|deleted| *deleted <= 1_000), "{steps:?}");
    assert_eq!(count(&mut db).await, 0);
}

#[tokio::test]
async fn a_step_reads_as_little_of_a_large_table_as_of_a_small_one() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    finished(&mut db, "succeeded", 11, 200).await;
    finished(&mut db, "succeeded", 2, 1_000).await;
    postgres::run(&mut db, "analyze jobs").await;

    let small = pages_read(&mut db, 100, RETENTION).await;
    finished(&mut db, "succeeded", 1, 100_000).await;
    postgres::run(&mut db, "analyze jobs").await;
    let large = pages_read(&mut db, 100, RETENTION).await;
    let idle = pages_read(&mut db, 100, Retention { succeeded: 40 * DAY, failed: 40 * DAY }).await;

    assert!(large <= small * 2, "{small} pages, then {large}");
    assert!(idle <= 30, "{idle} pages with nothing to do");
}

/// Goes through all jobs once, whether or not that was done lately.
async fn lap(db: &mut PgConnection, step: u32, app: &TestApp) -> u64 {
    let mut deleted = 0;
    loop {
        let pruned = prune(db, step, RETENTION, &app.clock).await.unwrap();
        deleted += pruned.deleted;
        if !pruned.goes_on {
            return deleted;
        }
    }
}

/// Writes jobs that were made and ended some days ago.
async fn finished(db: &mut PgConnection, state: &str, days: i32, jobs: i32) {
    sqlx::query(
        "insert into jobs
             (id, kind, version, payload, state, run_at, attempt, max_attempts, created_at, started_at, finished_at)
         select
             (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || 'b000'
             || substr(md5(random()::text), 1, 12))::uuid,
             'probe', 1, '\"nothing\"', $1, at, 1, 3, at, at, at
         from (select now() - make_interval(hours => 24 * $2) as at from generate_series(1, $3)) as times",
    )
    .bind(state)
    .bind(days)
    .bind(jobs)
    .execute(db)
    .await
    .unwrap();
}

async fn count(db: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select count(*) from jobs").fetch_one(db).await.unwrap()
}

/// Runs a step with a plan for any parameters, and takes it back.
async fn pages_read(db: &mut PgConnection, step: u32, retention: Retention) -> u64 {
    let prepare = format!("prepare step (float8, int8, float8, float8, float8) as {STATEMENT}");
    let (succeeded, failed) = (retention.succeeded.as_secs_f64(), retention.failed.as_secs_f64());
    let explain =
        format!("explain (analyze, buffers, format json) execute step (0, {step}, {succeeded}, {failed}, 3600)");
    for statement in ["set plan_cache_mode = force_generic_plan", &prepare, "begin"] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *db).await.unwrap();
    }
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_one(&mut *db).await.unwrap();
    for statement in ["rollback", "deallocate step"] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *db).await.unwrap();
    }
    let pages = |name: &str| plan[0]["Plan"][name].as_u64().unwrap();
    pages("Shared Hit Blocks") + pages("Shared Read Blocks")
}
