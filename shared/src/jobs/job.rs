//! What the author of a job kind writes: a payload, its limits, and what to do.

use super::backoff::Backoff;
use super::{Context, Priority};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// A kind of job, as those see it who want one done. The type is the payload.
pub trait Payload: Serialize + DeserializeOwned + Send + 'static {
    /// The kind's name in the database. Never changes.
    const KIND: &'static str;
    /// The payload's version. A breaking change of the payload adds one.
    const VERSION: i16 = 1;
    /// Attempts before the job is given up.
    const MAX_ATTEMPTS: i32 = 5;
    /// Which jobs it goes before, and which after.
    const PRIORITY: Priority = Priority::NORMAL;
}

/// A kind of job, as a worker sees it. `S` is what the worker hands to each job it runs.
pub trait Job<S>: Payload {
    /// The longest time one attempt may take.
    const TIMEOUT: Duration = Duration::from_mins(1);
    /// How long to wait before the next attempt.
    const BACKOFF: Backoff = Backoff::DEFAULT;
    /// How long after its time a job may still be snoozed.
    const MAX_AGE: Duration = Duration::from_hours(30 * 24);

    /// Does the work of one attempt. It is aborted at any `await` when its time is up or its lease is lost.
    fn run(self, state: S, context: Context) -> impl Future<Output = Result<Outcome, Failure>> + Send;
}

/// How an attempt ended well. Made by [`Context::done`], [`Context::commit`] and [`Context::continues`] alone.
#[derive(Debug)]
pub struct Outcome(pub(super) Success);

#[derive(Debug)]
pub(super) enum Success {
    /// The engine writes the end, together with those of other jobs.
    Done(Value),
    /// The end is committed, with the attempt's effects.
    Committed,
    /// Another attempt is to go on where this one saved its checkpoint.
    Continues,
}

/// How an attempt failed, and what is to become of the job.
#[derive(Debug)]
pub enum Failure {
    /// Try again later, while attempts are left. What `?` makes of every error.
    Retry(anyhow::Error),
    /// Try again after this long, while attempts are left: the other side said when.
    RetryIn(anyhow::Error, Duration),
    /// Not now: look again after this long, without using up an attempt.
    Snooze(Duration),
    /// Give up now: no further attempt would help.
    Discard(anyhow::Error),
    /// The job was called off.
    Cancelled,
    /// The lease was lost: another attempt has the job now, and this one must not write anything.
    Superseded,
}

impl Failure {
    /// Tries again after this long, whatever the kind's own waits are.
    pub fn retry_in(error: impl Into<anyhow::Error>, after: Duration) -> Self {
        Self::RetryIn(error.into(), after)
    }

    /// Looks again after this long, a second at least. The attempt does not count, so the job's age is what ends it:
    /// see [`Job::MAX_AGE`].
    #[must_use]
    pub fn snooze(after: Duration) -> Self {
        Self::Snooze(after)
    }

    /// Gives up, for a reason that people will read on the job.
    pub fn discard(reason: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self::Discard(anyhow::Error::msg(reason))
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Retry(error.into())
    }
}

/// Lets an author say at a `?` that no further attempt would help.
pub trait OrDiscard<T> {
    /// Turns an error into [`Failure::Discard`].
    ///
    /// # Errors
    /// The same error, marked.
    fn or_discard(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrDiscard<T> for Result<T, E> {
    fn or_discard(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::Discard(error.into()))
    }
}
