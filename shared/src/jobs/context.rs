//! What a running attempt knows of itself, and how it ends without effects; `commit` has how it ends with some.

use super::job::{Failure, OrDiscard as _, Outcome, Success};
use super::text::storable;
use crate::clock::Clock;
use crate::db::Tx;
use crate::ids::{JobId, OwnerId};
use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI16, Ordering};
use std::time::{Duration, Instant};

/// The largest result that a row keeps, in bytes of JSON. What is larger belongs into the storage, and its name here.
pub(super) const LARGEST_RESULT: usize = 256 * 1024;

/// The largest checkpoint that a row keeps, in bytes of JSON: it is written with each step.
const LARGEST_CHECKPOINT: usize = 64 * 1024;

/// One attempt of one job.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) job: JobId,
    pub(super) owner: Option<OwnerId>,
    pub(super) epoch: i32,
    pub(super) attempt: i32,
    pub(super) clock: Clock,
    pub(super) until: Instant,
    pub(super) checkpoint: Option<Arc<Value>>,
    pub(super) signals: Arc<Signals>,
}

/// What an attempt tells the engine while it runs.
#[derive(Debug)]
pub(super) struct Signals {
    /// Per cent; negative while nothing was reported.
    progress: AtomicI16,
    /// A transaction holds the job's row: heartbeats would wait for it.
    writing: AtomicBool,
    /// A checkpoint was saved in this attempt.
    saved: AtomicBool,
}

impl Default for Signals {
    fn default() -> Self {
        Self { progress: AtomicI16::new(-1), writing: AtomicBool::new(false), saved: AtomicBool::new(false) }
    }
}

impl Signals {
    pub(super) fn progress(&self) -> Option<i16> {
        Some(self.progress.load(Ordering::Relaxed)).filter(|percent| *percent >= 0)
    }

    pub(super) fn begin_writing(&self) {
        self.writing.store(true, Ordering::Release);
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.load(Ordering::Acquire)
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

    /// Returns how much time this attempt has left: its kind's limit, or what the host has.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Returns what the job's last [`save`](Self::save) left, in this attempt or an earlier one; `None` before the first.
    ///
    /// # Errors
    /// [`Failure::Discard`] when it is not a `T`.
    pub fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(None) };
        T::deserialize(&**checkpoint).map(Some).context("the checkpoint cannot be read").or_discard()
    }

    /// Commits a step of the work together with where to go on, fenced like [`commit`](Self::commit): the effects of a
    /// step and its checkpoint are there, or neither is. The attempt goes on.
    ///
    /// # Errors
    /// [`Failure::Superseded`] when the lease was lost, [`Failure::Cancelled`] when the job was called off; everything is
    /// rolled back. [`Failure::Retry`] when the commit failed or its answer was lost: the next attempt finds out, because
    /// it reads the checkpoint.
    pub async fn save(&self, mut tx: Tx, checkpoint: &(impl Serialize + Sync)) -> Result<(), Failure> {
        let checkpoint = json(checkpoint, "checkpoint", LARGEST_CHECKPOINT)?;
        let progress = self.signals.progress();
        let writing = Writing::begin(&self.signals);
        let saved = sqlx::query_file_scalar!("src/jobs/save.sql", self.job.0, self.epoch, checkpoint, progress)
            .fetch_optional(&mut *tx)
            .await?;
        match saved {
            Some(false) => tx.commit().await.context("the commit of a step was not answered")?,
            Some(true) => {
                tx.rollback().await?;
                return Err(Failure::Cancelled);
            }
            None => {
                tx.rollback().await?;
                return Err(Failure::Superseded);
            }
        }
        drop(writing);
        self.signals.saved.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Ends this attempt and lets another one go on from the checkpoint, at once and in a fresh invocation. It costs no
    /// attempt, so a job may take longer than a Lambda function.
    ///
    /// # Errors
    /// [`Failure::Retry`] when nothing was saved in this attempt: it would go round in circles.
    pub fn continues(&self) -> Result<Outcome, Failure> {
        if self.signals.saved.load(Ordering::Relaxed) {
            return Ok(Outcome(Success::Continues));
        }
        Err(Failure::Retry(anyhow::anyhow!("the attempt wants to go on later, but it has saved no checkpoint")))
    }

    /// Ends an attempt that has no effects in the database.
    ///
    /// # Errors
    /// [`Failure::Discard`] when the result is not JSON or too large to keep.
    pub fn done(&self, result: impl Serialize) -> Result<Outcome, Failure> {
        Ok(Outcome(Success::Done(json(&result, "result", LARGEST_RESULT)?)))
    }
}

/// Keeps heartbeats away from a row that a transaction holds, until the transaction is over.
struct Writing<'a>(&'a Signals);

impl<'a> Writing<'a> {
    fn begin(signals: &'a Signals) -> Self {
        signals.begin_writing();
        Self(signals)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.writing.store(false, Ordering::Release);
    }
}

/// Makes JSON that PostgreSQL stores, of a bounded size.
pub(super) fn json(value: &impl Serialize, what: &str, largest: usize) -> Result<Value, Failure> {
    let text = serde_json::to_vec(value).with_context(|| format!("the {what} is not JSON")).or_discard()?;
    if text.len() > largest {
        return Err(Failure::discard(format!("the {what} has {} bytes of JSON, {largest} are allowed", text.len())));
    }
    let value = serde_json::to_value(value).with_context(|| format!("the {what} is not JSON")).or_discard()?;
    Ok(storable(value))
}
