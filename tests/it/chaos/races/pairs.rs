//! Each pair of statements that lock several rows, on the same rows from several connections at once. Every one is rolled
//! back, so the rows stay as they are, and all of them want the same.

use super::{ROWS, deadlocks, place};
use crate::support::TestApp;
use actors::{Act, Brief, Deed, registry};
use shared::clock::Clock;
use shared::ids::JobId;
use shared::jobs::{self, NewJob, Retention, Unique, enqueue_many, prune, wake};
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long each pair races.
const RACE: Duration = Duration::from_millis(250);

/// Connections that run each of the two.
const CONNECTIONS: usize = 3;

/// A statement, or a call that takes several in one transaction.
#[derive(Clone, Copy, Debug)]
enum Call {
    ClaimIds,
    ClaimDue,
    Wake,
    Heartbeat,
    Settle,
    Join,
    Cancel,
    Retry,
    Prune,
}

const CALLS: [Call; 7] =
    [Call::ClaimIds, Call::ClaimDue, Call::Wake, Call::Heartbeat, Call::Settle, Call::Join, Call::Cancel];

/// Those that want rows of jobs that are over.
const LATE_CALLS: [Call; 5] = [Call::Prune, Call::Retry, Call::Join, Call::ClaimIds, Call::Cancel];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pair_of_statements_deadlocks_on_the_same_rows() {
    let app = place(registry()).await;
    let rows = enqueue_many(&mut app.db().await, (0..ROWS).map(keyed).collect(), &app.clock).await.unwrap();
    let ids: Vec<Uuid> = rows.iter().map(|enqueued| enqueued.row.id.0).collect();
    // A third runs, a third was abandoned, a third waits; alarms in another order than the ids.
    let states = "
        update jobs set
            state = case when number % 3 = 2 then 'available' else 'running' end, epoch = 1, started_at = now(),
            attempt = case when number % 3 = 2 then 0 else 1 end,
            wake_at = now() + make_interval(secs => (case when number % 3 = 0 then 600 else -600 end) + random())
        from (select id as of, row_number() over (order by random()) as number from jobs) as mixed
        where id = of";
    sqlx::query(states).execute(&mut app.db().await).await.unwrap();
    sqlx::query("update jobs set started_at = null where state = 'available'")
        .execute(&mut app.db().await)
        .await
        .unwrap();

    race_all(&app, &ids, &CALLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pair_of_statements_deadlocks_on_rows_of_jobs_that_are_over() {
    let app = place(registry()).await;
    let mut db = app.db().await;
    let rows = enqueue_many(&mut db, (0..ROWS).map(keyed).collect(), &app.clock).await.unwrap();
    let ids: Vec<Uuid> = rows.iter().map(|enqueued| enqueued.row.id.0).collect();
    for id in &ids {
        jobs::cancel(&mut db, None, JobId(*id), &app.clock).await.unwrap();
    }
    app.advance(2 * Retention::default().failed);
    let mut tx = db.begin().await.unwrap();
    let pruned = prune(&mut tx, 100, Retention::default(), &app.clock).await.unwrap();
    tx.rollback().await.unwrap();

    race_all(&app, &ids, &LATE_CALLS).await;

    assert_eq!(pruned.deleted, ids.len() as u64, "there is something to prune");
}

/// Races each of the calls with each, itself included.
async fn race_all(app: &TestApp, ids: &[Uuid], all: &[Call]) {
    let mut calls = 0;
    for (n, one) in all.iter().enumerate() {
        for other in &all[n..] {
            calls += race(app, ids, *one, *other).await;
            assert_eq!(deadlocks(app).await, 0, "{one:?} and {other:?}");
        }
    }
    assert!(calls > 250, "{calls} calls are no race");
}

/// Makes a job with a key.
fn keyed(n: usize) -> NewJob {
    let job = NewJob::new(&Brief(Deed { act: Act::Quiet, slot: 0 })).unwrap();
    job.unique(Unique::coalesce(format!("key {n}")))
}

async fn race(app: &TestApp, ids: &[Uuid], one: Call, other: Call) -> usize {
    let end = Instant::now() + RACE;
    let mut race = JoinSet::new();
    for n in 0..CONNECTIONS * 2 {
        let call = if n % 2 == 0 { one } else { other };
        let (mut db, mut ids, clock) = (app.db().await, ids.to_vec(), app.clock.clone());
        race.spawn(async move {
            let mut calls = 0;
            while Instant::now() < end {
                fastrand::shuffle(&mut ids);
                let mut tx = db.begin().await?;
                run(&mut tx, call, &ids, &clock).await?;
                tx.rollback().await?;
                calls += 1;
            }
            Ok::<_, sqlx::Error>(calls)
        });
    }
    race.join_all().await.into_iter().map(|calls| calls.unwrap()).sum()
}

async fn run(db: &mut PgConnection, call: Call, ids: &[Uuid], clock: &Clock) -> Result<(), sqlx::Error> {
    let (kinds, versions, leases) = (["brief"].as_slice(), [1_i16].as_slice(), [3.0].as_slice());
    let epochs = vec![1_i32; ids.len()];
    let zeros = vec![0.0_f64; ids.len()];
    match call {
        Call::ClaimIds => {
            let claim = sqlx::query(include_str!("../../../../shared/src/jobs/claim_ids.sql"));
            let claim = claim.bind(ids).bind(kinds).bind(versions).bind(leases).bind(0.0).bind("abandoned").bind(true);
            claim.execute(db).await?;
        }
        Call::ClaimDue => {
            let claim = sqlx::query(include_str!("../../../../shared/src/jobs/claim_due.sql"));
            let claim = claim.bind(kinds).bind(versions).bind(leases).bind(0.0).bind(100_i64).bind(-100_i16);
            claim.bind(chrono::DateTime::UNIX_EPOCH).execute(db).await?;
        }
        Call::Wake => {
            wake(db, 100, Duration::from_mins(1), clock).await?;
        }
        Call::Heartbeat => {
            let beat = sqlx::query(include_str!("../../../../shared/src/jobs/heartbeat.sql"));
            let beat = beat.bind(ids).bind(epochs).bind(zeros).bind(vec![None::<i16>; ids.len()]).bind(0.0);
            beat.execute(db).await?;
        }
        Call::Settle => {
            let settle = sqlx::query(include_str!("../../../../shared/src/jobs/settle.sql"));
            let settle = settle.bind(ids).bind(epochs).bind(vec!["retry"; ids.len()]);
            let settle = settle.bind(vec![None::<serde_json::Value>; ids.len()]).bind(vec![None::<&str>; ids.len()]);
            let settle = settle.bind(&zeros).bind(0.0).bind(120.0).bind(vec![false; ids.len()]).bind(&zeros);
            settle.execute(db).await?;
        }
        Call::Join => {
            let mut order: Vec<usize> = (0..ids.len()).collect();
            fastrand::shuffle(&mut order);
            enqueue_many(db, order.into_iter().map(keyed).collect(), clock).await?;
        }
        Call::Cancel => {
            jobs::cancel(db, None, JobId(ids[0]), clock).await?;
        }
        Call::Retry => {
            jobs::retry(db, None, JobId(ids[0]), clock).await?;
        }
        Call::Prune => {
            prune(db, 100, Retention::default(), clock).await?;
        }
    }
    Ok(())
}
