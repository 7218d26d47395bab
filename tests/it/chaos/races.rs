//! Everything at once on the same rows, for a bounded time: no deadlock.

mod pairs;

use super::stage::prepare;
use crate::support::TestApp;
use actors::{Act, Brief, Deed, registry};
use shared::db::DbError;
use shared::ids::JobId;
use shared::jobs::{NewJob, Place, Registry, enqueue_many, wake};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use worker::State;

/// How long the race is.
const RACE: Duration = Duration::from_secs(5);

/// Rows that everybody wants.
const ROWS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_ends_heartbeats_and_ticks_on_the_same_rows_do_not_deadlock() {
    let app = place(registry()).await;
    let act = |n: usize| [Act::Effect, Act::Quiet, Act::FailsTwice, Act::Waits(1_200)][n % 4];
    let job = |n| NewJob::new(&Brief(Deed { act: act(n), slot: i32::try_from(n % 3).unwrap() })).unwrap();
    let rows = enqueue_many(&mut app.db().await, (0..ROWS).map(job).collect(), &app.clock).await.unwrap();
    let ids: Vec<JobId> = rows.iter().map(|enqueued| enqueued.row.id).collect();
    let end = Instant::now() + RACE;
    let mut race = JoinSet::new();

    for runner in 0..6_u64 {
        let (runner_of, ids) = (app.worker.runner.clone(), ids.clone());
        race.spawn(async move {
            let mut random = fastrand::Rng::with_seed(runner);
            while Instant::now() < end {
                let mut shift = runner_of.shift(None, Duration::from_secs(5));
                let claimed_at = Instant::now();
                let mut ids = ids.clone();
                random.shuffle(&mut ids);
                let jobs = if runner % 2 == 0 {
                    runner_of.claim(&ids).await?.claimed
                } else {
                    runner_of.claim_due(ROWS, Place::START).await?.jobs
                };
                shift.start(jobs, claimed_at);
                while !shift.is_idle() {
                    shift.turn().await;
                }
            }
            Ok::<_, DbError>(())
        });
    }
    for _ in 0..3 {
        let (db, clock) = (app.handle(), app.clock.clone());
        race.spawn(async move {
            while Instant::now() < end {
                let mut connection = db.acquire().await?;
                wake(&mut connection, 20, Duration::ZERO, &clock).await?;
                // Leases end, finished jobs begin anew: so that there is always something to fight for.
                sqlx::query(
                    "with chosen as (select id from jobs order by id for no key update skip locked)
                     update jobs set
                         state = case when state = 'running' then state else 'available' end,
                         run_at = now(), wake_at = now(), turn = now(), finished_at = null, epoch = epoch + 1,
                         attempt = case when state = 'running' then attempt else 0 end
                     from chosen where jobs.id = chosen.id",
                )
                .execute(&mut *connection)
                .await
                .map_err(DbError::from)?;
            }
            Ok(())
        });
    }
    for outcome in race.join_all().await {
        outcome.unwrap();
    }

    let transitions = "select count(*) from transitions";
    let transitions: i64 = sqlx::query_scalar(transitions).fetch_one(&mut app.db().await).await.unwrap();
    assert_eq!(deadlocks(&app).await, 0);
    assert!(transitions > 200, "{transitions} transitions are no race");
}

/// A database whose deadlocks are found at once.
async fn place(registry: Registry<State>) -> TestApp {
    let app = TestApp::with_kinds(registry).await.may_leave_jobs();
    prepare(&mut app.db().await).await;
    app
}

/// How many deadlocks the app's database has seen.
async fn deadlocks(app: &TestApp) -> i64 {
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    sqlx::query_scalar(deadlocks).fetch_one(&mut app.db().await).await.unwrap()
}
