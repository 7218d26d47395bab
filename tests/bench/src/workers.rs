//! The worker under measurement: the one of production, with the kinds of this tool.

use crate::database::Database;
use crate::kinds;
use shared::clock::Clock;
use shared::ids::JobId;
use shared::jobs::{LocalWorker, NewJob, Notifier, PostgresNotifier, enqueue_many};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use worker::{Config, State, Worker};

/// Nothing that is measured takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_mins(3);

/// How often the end of a round is looked for.
const LOOK: Duration = Duration::from_millis(1);

/// Jobs in one statement when many are written.
pub const CHUNK: usize = 1_000;

/// A worker of a process without a queue, and the word that wakes it.
pub struct LocalHost {
    pub worker: Worker,
    pub local: LocalWorker,
}

impl LocalHost {
    /// Makes a worker whose jobs have this many connections.
    pub fn new(database: &Database, connections: usize) -> anyhow::Result<Self> {
        let config = Config::load(&|name| match name {
            "DATABASE_URL" => Some(database.url().to_owned()),
            "DATABASE_POOL_SIZE" => Some(connections.to_string()),
            // No job of this tool writes a file.
            "EXPORT_DIR" => Some("/nonexistent".to_owned()),
            _ => None,
        })?;
        let local = LocalWorker::default();
        let notifier = Notifier::Postgres(PostgresNotifier::local(database.handle(1), local.clone()));
        let state = State { notifier, ..Worker::from_config(config).state };
        let worker = Worker::of(kinds::registry(), state);
        Ok(Self { worker, local })
    }

    /// Runs jobs in `slots` places until `work` is done.
    pub async fn serve_during<T>(
        &self,
        slots: usize,
        work: impl Future<Output = anyhow::Result<T>> + Send,
    ) -> anyhow::Result<T> {
        let (done, stop) = oneshot::channel::<()>();
        // Boxed: it holds the futures of everything that a worker does.
        let serving = Box::pin(worker::serve(&self.worker, &self.local, slots, async {
            let _done_or_failed = stop.await;
        }));
        let working = async {
            let result = tokio::time::timeout(LIMIT, work).await;
            drop(done);
            result?
        };
        let ((), result) = tokio::join!(serving, working);
        result
    }

    pub async fn close(&self) {
        self.worker.state.db.close().await;
        self.worker.runner.close().await;
    }
}

/// Waits until this many jobs have done their work and every end is written.
pub async fn drained(database: &Database, jobs: usize) -> anyhow::Result<()> {
    while kinds::done() < jobs || database.is_busy().await? {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Writes jobs, many in one statement, and returns their ids.
pub async fn write(
    database: &Database,
    jobs: usize,
    make: impl Fn() -> serde_json::Result<NewJob>,
) -> anyhow::Result<Vec<JobId>> {
    let clock = Clock::default();
    let mut ids = Vec::with_capacity(jobs);
    let mut observer = database.observer().await;
    while ids.len() < jobs {
        let count = CHUNK.min(jobs - ids.len());
        let chunk = (0..count).map(|_| make()).collect::<Result<Vec<_>, _>>()?;
        let written = enqueue_many(&mut observer, chunk, &clock).await?;
        ids.extend(written.into_iter().map(|job| job.row.id));
    }
    Ok(ids)
}

/// A deadline that is never in the way.
pub fn far_away() -> Instant {
    Instant::now() + Duration::from_mins(10)
}
