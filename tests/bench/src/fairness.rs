//! How long one owner's only job waits behind another owner's thousands.

use crate::arguments::Arguments;
use crate::database::Database;
use crate::fill::{Rows, fill};
use crate::kinds::{self, Stamped, Work};
use crate::report::Report;
use crate::workers::LocalHost;
use shared::clock::Clock;
use shared::ids::OwnerId;
use shared::jobs::{NewJob, enqueue};
use sqlx::Connection as _;
use std::time::{Duration, Instant};

/// Places to run jobs in.
const SLOTS: usize = 10;

/// The backlog is being worked off for this long before the job comes.
const HEAD_START: Duration = Duration::from_millis(500);

pub async fn measure(database: &Database, arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    let waiting = arguments.waiting();
    let host = LocalHost::new(database, SLOTS)?;
    let crowd = Some(OwnerId::new().0);
    fill(database, Rows { waiting, crowd, ..Rows::default() }, Work::Nothing.kind()).await?;
    kinds::reset();
    let (others, waited) = host.serve_during(SLOTS, one_among_many(database, &host)).await?;
    report.fairness(&format!("one owner's job behind {waiting} of another's"), others, waited);
    host.close().await;
    database.clear().await
}

/// Returns how many jobs of others ran between the commit of this one and its start, and that time in milliseconds.
async fn one_among_many(database: &Database, host: &LocalHost) -> anyhow::Result<(usize, f64)> {
    let mut connections = database.connections(1).await?;
    let Some(connection) = connections.first_mut() else { anyhow::bail!("there is no connection") };
    host.local.wake();
    tokio::time::sleep(HEAD_START).await;

    let mut tx = connection.begin().await?;
    let job = NewJob::new(&Stamped { number: 0 })?.owned_by(OwnerId::new());
    let job = enqueue(&mut tx, job, &Clock::default()).await?;
    tx.commit().await?;
    let (committed, done) = (Instant::now(), kinds::done());
    host.worker.runner.notifier().notify(job.notice).await;
    loop {
        if let Some(stamp) = kinds::stamps().first() {
            let waited = stamp.started.saturating_duration_since(committed).as_secs_f64() * 1e3;
            return Ok((stamp.done_before.saturating_sub(done), waited));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
