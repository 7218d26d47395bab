//! Sandboxes that come and go under load as Lambda's do: made when traffic grows, frozen after each invocation, taken away
//! when they are frozen, killed in the middle of a batch. What each costs the database is what `docs/operations.md` says.

use super::clients::Clients;
use super::fleet::{Alias, Fleet};
use super::source::Sources;
use super::stage::{Stage, connections, token};
use super::vault::Vault;
use crate::binaries::enqueue_export;
use crate::chaos::drain::{Hurry, drain};
use crate::chaos::processes::Part;
use crate::chaos::settings::number;
use crate::chaos::tally::Tally;
use crate::hosts::{say, slow_down};
use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;
use tokio::time::sleep;

/// Sandboxes of `api` at the peak, unless `ERRAND_REHEARSAL_SANDBOXES` says otherwise; half as many of `worker`.
const SANDBOXES: u32 = 6;

/// Jobs that are there at once for each batch that runs at once: after a pause, batches are full.
const BURST: u32 = 20;

/// Seconds that the database takes to read tasks, so that the jobs of a batch run side by side.
const READING: f64 = 0.15;

/// How long each client waits for the next one to join, and how long all are there.
const STEP: Duration = Duration::from_secs(1);

/// Between two sandboxes that are taken away or killed.
const STRIKES: Duration = Duration::from_millis(600);

/// One in so many of these is killed in the middle of a batch.
const KILL: u64 = 4;

/// Between two looks at the connections.
const LOOK: Duration = Duration::from_millis(10);

/// Connections of one sandbox of `worker`: its pool's, and the engine's.
const OF_A_WORKER: u32 = 12;

/// The rule of `docs/operations.md`, "Connections against concurrency"; `scheduler` and `migrate` are the two.
fn calculated(batches: u32, requests: u32) -> u32 {
    OF_A_WORKER * batches + requests + 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sandboxes_that_come_and_go_stay_within_the_connections_that_were_calculated() {
    let requests = number("ERRAND_REHEARSAL_SANDBOXES").unwrap_or(SANDBOXES).max(2);
    let batches = requests.div_ceil(2);
    let calculated = calculated(batches, requests);
    let tally = Tally::default();
    // As large as the rule asks for.
    let stage = Stage::new(u16::try_from(calculated * 5 / 4 + 1).unwrap(), &tally).await;
    let Some(vault) = Vault::open(&stage).await else { return };
    let part = |name| Part::new(name, vault.environment());
    let (api, worker) = (Fleet::new(part("api"), requests), Fleet::new(part("worker"), batches));
    let scheduler = Fleet::new(part("scheduler"), 1);
    part("migrate").start().await.invoke(&json!({})).await.answer();
    slow_down(&mut stage.db().await, READING).await;
    let alias = Alias::to(&api);
    let burst = burst(&stage, BURST * batches).await;
    let sources = Sources::start(&stage.queue, &Alias::to(&worker), batches, &Alias::to(&scheduler), &tally);
    let mut clients = Clients::none();

    let load = async {
        let traffic = async {
            for _ in 0..requests {
                clients.join(&alias, &token(stage.account().await, TimeDelta::zero()).await);
                sleep(STEP).await;
            }
            sleep(STEP * requests).await;
        };
        tokio::select! {
            () = traffic => {}
            () = strike(&api, &worker, &tally) => unreachable!("it strikes until the end"),
        }
        let mut told = clients.end().await;
        told.jobs.extend(burst);
        drain(&stage.url(), Duration::from_mins(2), Hurry::WaitsAndLeases).await;
        sources.end().await;
        told
    };
    let (mut observer, mut most) = (stage.db().await, 0);
    let told = tokio::select! {
        told = load => told,
        () = look(&mut observer, &mut most) => unreachable!("it looks until the end"),
    };

    let pasts = [api.past(), worker.past(), scheduler.past()];
    say(&format!(
        "rehearsal of a load: {} sandboxes, {} invocations, {} requests, {} jobs; {most} connections at most, {calculated} \
         calculated; {} failures\n  cold starts of api with secrets, TLS and connecting: {}\n  cold starts of worker with its \
         batch: {}{tally}",
        pasts.iter().map(|past| past.sandboxes).sum::<u64>(),
        pasts.iter().map(|past| past.invocations).sum::<u64>(),
        told.requests,
        told.jobs.len(),
        told.failures.len(),
        spread(&pasts[0].cold_starts),
        spread(&pasts[1].cold_starts),
    ));
    assert!(told.failures.is_empty(), "{:#?}", told.failures);
    assert!(most <= calculated, "{most} connections, and {calculated} were calculated");
    assert!(2 * most > calculated, "{most} connections at most: nothing was tried");
    assert!(tally.of("sandboxes killed in a batch") > 0 && tally.of("frozen sandboxes taken away") > 0, "{tally}");
    let select = "select count(*) from jobs where state <> 'succeeded'";
    assert_eq!(count(&mut stage.db().await, select).await, 0, "jobs that did not succeed");
    let select = "select count(*) from exports";
    assert_eq!(count(&mut stage.db().await, select).await, told.jobs.len(), "each export is there once");
    let select = "select count(*) from tasks";
    assert_eq!(count(&mut stage.db().await, select).await, usize::try_from(told.tasks).unwrap());
}

/// Writes jobs, and fills the queue.
async fn burst(stage: &Stage, count: u32) -> Vec<String> {
    let (owner, mut db) = (stage.account().await, stage.db().await);
    let mut jobs = Vec::new();
    for _ in 0..count {
        let job = enqueue_export(&mut db, owner).await;
        stage.queue.put(&json!({ "job": job }).to_string());
        jobs.push(job.to_string());
    }
    jobs
}

/// Takes frozen sandboxes of `api` away, again and again, and kills busy ones of `worker` now and then.
async fn strike(api: &Fleet, worker: &Fleet, tally: &Tally) {
    for turn in 1_u64.. {
        sleep(STRIKES).await;
        if turn.is_multiple_of(KILL) && worker.strike() {
            tally.one("sandboxes killed in a batch");
        } else if api.reap().await {
            tally.one("frozen sandboxes taken away");
        }
    }
}

/// Counts connections again and again and keeps the highest number.
async fn look(db: &mut PgConnection, most: &mut u32) {
    loop {
        *most = connections(db).await.max(*most);
        sleep(LOOK).await;
    }
}

async fn count(db: &mut PgConnection, select: &'static str) -> usize {
    let count: i64 = sqlx::query_scalar(select).fetch_one(db).await.unwrap();
    usize::try_from(count).unwrap()
}

/// Median and 99th percentile.
fn spread(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!("{:.0?} median, {:.0?} p99, of {}", at(50), at(99), times.len())
}
