//! From the moment somebody begins to write a job to the commit of its effects, at a rate that leaves the machine idle.

use crate::arguments::Arguments;
use crate::compare::{float, quantile};
use crate::database::Database;
use crate::floor::{self, Columns};
use crate::kinds::{self, Stamped, Work};
use crate::report::Report;
use crate::workers::LocalHost;
use shared::clock::Clock;
use shared::jobs::{NewJob, enqueue};
use sqlx::Connection as _;
use std::time::{Duration, Instant};

/// Between two jobs: 20 a second.
const EVERY: Duration = Duration::from_millis(50);

/// When a job was about to be written, and when that was committed.
struct Sent {
    begun: Instant,
    enqueued: Instant,
}

pub async fn measure(database: &Database, arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    let host = LocalHost::new(database, arguments.connections)?;
    database.clear().await?;
    database.calm().await?;
    engine(database, &host, arguments.connections, 10).await?;
    let (whole, after) = engine(database, &host, arguments.connections, arguments.latencies()).await?;
    host.close().await;
    let floor = floor(database, arguments.latencies()).await?;
    for (name, share, aim) in [("p50", 0.5, 2.5), ("p99", 0.99, 6.0)] {
        let of = |times: &[f64]| quantile(times.iter().copied(), share);
        report.latency(&format!("enqueue to commit at 20/s, {name}"), of(&whole), Some(of(&floor)), Some(aim));
        report.latency(&format!("of that after the enqueue's commit, {name}"), of(&after), None, None);
    }
    Ok(())
}

/// Returns the milliseconds from begin to commit, and from the enqueue's commit to commit.
async fn engine(
    database: &Database,
    host: &LocalHost,
    slots: usize,
    jobs: usize,
) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    kinds::reset();
    let sent = host.serve_during(slots, send(database, host, jobs)).await?;
    let stamps = kinds::stamps();
    let time = |from: fn(&Sent) -> Instant| {
        let ms =
            |stamp: &kinds::Stamp| Some(ms(stamp.committed.saturating_duration_since(from(sent.get(stamp.number)?))));
        stamps.iter().filter_map(ms).collect()
    };
    Ok((time(|sent| sent.begun), time(|sent| sent.enqueued)))
}

async fn send(database: &Database, host: &LocalHost, jobs: usize) -> anyhow::Result<Vec<Sent>> {
    let clock = Clock::default();
    let mut connections = database.connections(1).await?;
    let Some(connection) = connections.first_mut() else { anyhow::bail!("there is no connection") };
    let start = Instant::now();
    let mut sent = Vec::with_capacity(jobs);
    for number in 0..jobs {
        tokio::time::sleep_until((start + EVERY.mul_f64(float(number))).into()).await;
        let begun = Instant::now();
        let mut tx = connection.begin().await?;
        let job = enqueue(&mut tx, NewJob::new(&Stamped { number })?, &clock).await?;
        tx.commit().await?;
        sent.push(Sent { begun, enqueued: Instant::now() });
        host.worker.runner.notifier().notify(job.notice).await;
    }
    while kinds::done() < jobs {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(sent)
}

/// The same statements, one after the other: what no worker can be faster than.
async fn floor(database: &Database, jobs: usize) -> anyhow::Result<Vec<f64>> {
    database.clear().await?;
    let mut connections = database.connections(2).await?;
    let [writer, worker] = connections.as_mut_slice() else { anyhow::bail!("there are no connections") };
    let mut times = Vec::with_capacity(jobs);
    for _ in 0..jobs {
        tokio::time::sleep(EVERY).await;
        let columns = Columns::of(Work::Effects, 1);
        let begun = Instant::now();
        let mut tx = writer.begin().await?;
        floor::enqueue(&mut tx, &columns).await?;
        tx.commit().await?;
        for job in floor::claim_due(worker, Work::Effects, 1, floor::START).await?.0 {
            floor::run_with_effects(worker, job).await?;
        }
        times.push(ms(begun.elapsed()));
    }
    Ok(times)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
