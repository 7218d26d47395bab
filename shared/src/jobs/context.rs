//! What a running attempt knows of itself, and how it ends well.

use super::job::{Failure, Outcome, Success};
use super::text::storable;
use crate::clock::Clock;
use crate::ids::{JobId, OwnerId};
use anyhow::Context as _;
use serde::Serialize;
use sqlx::{Postgres, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI16, Ordering};

/// One attempt of one job.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) job: JobId,
    pub(super) owner: Option<OwnerId>,
    pub(super) epoch: i32,
    pub(super) attempt: i32,
    pub(super) clock: Clock,
    pub(super) signals: Arc<Signals>,
}

/// What an attempt tells the engine while it runs.
#[derive(Debug)]
pub(super) struct Signals {
    /// Per cent; negative while nothing was reported.
    progress: AtomicI16,
    /// The fenced finish has begun: its row lock makes heartbeats wait, and its end raises the epoch.
    finishing: AtomicBool,
}

impl Default for Signals {
    fn default() -> Self {
        Self { progress: AtomicI16::new(-1), finishing: AtomicBool::new(false) }
    }
}

impl Signals {
    pub(super) fn progress(&self) -> Option<i16> {
        Some(self.progress.load(Ordering::Relaxed)).filter(|percent| *percent >= 0)
    }

    pub(super) fn is_finishing(&self) -> bool {
        self.finishing.load(Ordering::Acquire)
    }
}

impl Context {
    /// The job; also the idempotency key for effects outside the database.
    #[must_use]
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Whose job it is; `None` for a job of the system.
    #[must_use]
    pub fn owner(&self) -> Option<OwnerId> {
        self.owner
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        self.attempt
    }

    /// The attempt's fence: no two attempts of a job have the same.
    #[must_use]
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// Reports progress in per cent. It costs nothing: the next heartbeat carries it.
    pub fn progress(&self, percent: u8) {
        self.signals.progress.store(i16::from(percent.min(100)), Ordering::Relaxed);
    }

    /// Ends an attempt that has no effects in the database.
    ///
    /// # Errors
    /// When the result cannot be written as JSON.
    pub fn done(&self, result: impl Serialize) -> Result<Outcome, Failure> {
        let result = serde_json::to_value(result).context("the result is not JSON")?;
        Ok(Outcome(Success::Done(storable(result))))
    }

    /// Ends an attempt together with its effects: the fenced finish is the transaction's last statement, so both are
    /// committed or neither is. Open the transaction late: from here to the commit the job's row is locked.
    ///
    /// # Errors
    /// [`Failure::Superseded`] when the lease was lost; everything is rolled back. [`Failure::Retry`] when the commit
    /// failed or its answer was lost; in the latter case the fence keeps what was committed.
    pub async fn commit(
        &self,
        mut tx: Transaction<'static, Postgres>,
        result: impl Serialize,
    ) -> Result<Outcome, Failure> {
        let result = storable(serde_json::to_value(result).context("the result is not JSON")?);
        self.signals.finishing.store(true, Ordering::Release);
        let finished =
            sqlx::query_file!("src/jobs/fence.sql", self.job.0, self.epoch, result, self.clock.offset_seconds(),)
                .execute(&mut *tx)
                .await?;
        if finished.rows_affected() == 0 {
            tx.rollback().await?;
            return Err(Failure::Superseded);
        }
        tx.commit().await.context("the commit was not answered")?;
        Ok(Outcome(Success::Committed))
    }
}
