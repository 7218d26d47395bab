//! What a tick does besides, about once a minute: it measures the queue, and deletes finished jobs that are old.

use crate::{Scheduler, Tick};
use shared::clock::Pace;
use shared::db::{DbError, within};
use shared::jobs::{self, Retention};
use shared::metrics::Metrics;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a process looks after things. Below a minute, so that a tick a minute always does.
const EVERY: Duration = Duration::from_secs(50);

/// Unfinished jobs that are counted at most. The index and the rows of so many are read in some 100 ms.
const COUNTED: u32 = 100_000;

/// Jobs that one step of pruning looks at.
const STEP: u32 = 1_000;

/// Pruning ends after this, whatever is left: the next minute goes on.
const LONGEST_PRUNING: Duration = Duration::from_secs(2);

/// No statement may take longer. With what a tick takes besides, it stays below the function's limit.
const LIMIT: Duration = Duration::from_secs(5);

/// What a scheduler process knows of its upkeep; clones share it.
#[derive(Clone, Debug)]
pub struct Upkeep {
    /// How long finished jobs are kept.
    pub retention: Retention,
    /// Where the queue's depth and the tick's work are noted.
    pub metrics: Metrics,
    pace: Arc<Pace>,
}

impl Upkeep {
    /// Keeps finished jobs for so long, and notes what it measures here.
    #[must_use]
    pub fn new(retention: Retention, metrics: Metrics) -> Self {
        Self { retention, metrics, pace: Arc::new(Pace::new(EVERY)) }
    }

    /// Does what is due. Nothing of it is needed for a job to run, so a failure is logged, and the next minute tries again.
    pub(crate) async fn run(&self, scheduler: &Scheduler, tick: &Tick) {
        self.metrics.abandoned(tick.rescued, tick.exhausted);
        if !self.pace.is_due(&scheduler.clock) {
            return;
        }
        if let Err(error) = self.measure(scheduler).await {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::warn!(error, "The queue could not be measured");
        }
        if let Err(error) = self.prune(scheduler).await {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::warn!(error, "Old jobs could not be deleted");
        }
    }

    async fn measure(&self, scheduler: &Scheduler) -> Result<(), DbError> {
        let stats = within(LIMIT, async {
            let mut db = scheduler.db.acquire().await?;
            Ok(jobs::stats_up_to(&mut db, COUNTED, &scheduler.clock).await?)
        })
        .await?;
        for kind in stats.iter().filter(|kind| kind.unsupported > 0) {
            tracing::error!(
                error.code = "jobs_unsupported",
                job.kind = kind.kind,
                job.version = kind.version,
                jobs = kind.unsupported,
                "{} jobs of kind {} version {} wait, and no worker runs these",
                kind.unsupported,
                kind.kind,
                kind.version,
            );
        }
        self.metrics.queue_is(&stats);
        Ok(())
    }

    async fn prune(&self, scheduler: &Scheduler) -> Result<(), DbError> {
        let started = Instant::now();
        let mut deleted = 0;
        let done = loop {
            let step = within(LIMIT, async {
                let mut db = scheduler.db.acquire().await?;
                Ok(jobs::prune(&mut db, STEP, self.retention, &scheduler.clock).await?)
            });
            match step.await {
                Ok(step) => {
                    deleted += step.deleted;
                    if !step.goes_on || started.elapsed() > LONGEST_PRUNING {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
        };
        if deleted > 0 {
            tracing::info!(jobs = deleted, "{deleted} finished jobs were old and are deleted");
        }
        self.metrics.pruned(deleted);
        done
    }
}

impl Default for Upkeep {
    fn default() -> Self {
        Self::new(Retention::default(), Metrics::default())
    }
}
