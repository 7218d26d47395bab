//! What a tick does besides, once a minute.

use crate::support::probe::{Probe, kinds};
use crate::support::{TestApp, postgres};
use scheduler::{Config, Tick};
use shared::jobs::Retention;
use std::collections::HashMap;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_tick_deletes_jobs_that_are_old_by_the_moved_clock() {
    let app = TestApp::with_kinds(kinds()).await;
    app.enqueue(&Probe::Nothing).await;
    app.enqueue(&Probe::Discard("no".to_owned())).await;
    app.drain().await;
    let mut db = app.db().await;
    let mut left = async || -> Vec<String> {
        app.tick().await;
        sqlx::query_scalar("select state from jobs order by state").fetch_all(&mut db).await.unwrap()
    };

    let now = left().await;
    app.advance((14 * DAY).saturating_sub(Duration::from_mins(1)));
    let before = left().await;
    app.advance(Duration::from_hours(2));
    let after = left().await;
    app.advance(16 * DAY);
    let long_after = left().await;

    assert_eq!((now.len(), before.len()), (2, 2));
    assert_eq!((after.as_slice(), long_after.len()), (["failed".to_owned()].as_slice(), 0));
    assert_eq!(app.scheduler.upkeep.metrics.snapshot().pruned, 2);
}

#[tokio::test]
async fn a_tick_goes_on_step_after_step() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    postgres::run(
        &mut db,
        "insert into jobs
             (id, kind, version, payload, state, run_at, attempt, max_attempts, created_at, started_at, finished_at)
         select
             ('00000000-0001-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
             'probe', 1, 'null', 'succeeded', at, 1, 3, at, at, at
         from (select n, now() - interval '20 days' as at from generate_series(1, 2500) as n) as old",
    )
    .await;

    app.tick().await;

    let left: i64 = sqlx::query_scalar("select count(*) from jobs").fetch_one(&mut db).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_tick_does_its_work_when_upkeep_fails() {
    let app = TestApp::with_kinds(kinds()).await;
    postgres::run(&mut app.db().await, "drop table job_upkeep, job_kinds").await;
    app.enqueue(&Probe::Nothing).await;
    app.advance(Duration::from_mins(3));

    let tick = app.tick().await;

    assert_eq!(tick, Tick { notified: 1, ..Tick::default() });
    app.drain().await;
}

#[test]
fn how_long_jobs_are_kept_is_read_in_days() {
    let load = |variables: &[(&str, &str)]| {
        let mut all: HashMap<_, _> = variables.iter().copied().collect();
        all.insert("DATABASE_URL", "postgres://errand@127.0.0.1/errand");
        Config::load(&|name| all.get(name).map(|value| (*value).to_owned()))
    };

    let usual = load(&[]).unwrap().retention;
    let chosen = load(&[("JOB_RETENTION_DAYS", "10"), ("FAILED_JOB_RETENTION_DAYS", "90")]).unwrap().retention;
    let refused = load(&[("JOB_RETENTION_DAYS", "1"), ("FAILED_JOB_RETENTION_DAYS", "99999")]).unwrap_err();

    assert_eq!(usual, Retention { succeeded: 14 * DAY, failed: 30 * DAY });
    assert_eq!(chosen, Retention { succeeded: 10 * DAY, failed: 90 * DAY });
    assert_eq!(refused.problems.len(), 2, "{refused}");
}
