//! One attempt under way: its lease, its limits, and how it is stopped.

use super::{Context, End, Verdict, storable_error};
use crate::ids::JobId;
use crate::jobs::backoff::Backoff;
use crate::jobs::context::Signals;
use crate::jobs::registry::Entry;
use crate::jobs::{Attempted, Claimed, Failure, Outcome};
use crate::trace::Trace;
use anyhow::anyhow;
use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;
use tracing::{Instrument as _, Span};

/// Kept back from the time that is left, to write down how the attempt ended.
const TIME_TO_REPORT: Duration = Duration::from_secs(1);

/// An attempt that is not over this long after its time was up, or after it was stopped, does not await.
const PATIENCE: Duration = Duration::from_secs(5);

/// A job is snoozed for no less than this, or it would be a busy loop.
const SHORTEST_SNOOZE: Duration = Duration::from_secs(1);

/// The attempt took longer than it may.
#[derive(Debug, thiserror::Error)]
#[error("the attempt timed out after {0:.1} s")]
pub(super) struct TimedOut(f64);

/// Why an attempt was aborted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stop {
    /// Another attempt may have the job by now.
    LeaseLost,
    /// The host stops.
    Release,
    /// The job was called off.
    Cancelled,
}

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) id: JobId,
    pub(super) epoch: i32,
    pub(super) lease: Duration,
    /// The lease as this host counts it: from before the statement was sent, so never longer than the database's.
    pub(super) lease_until: Instant,
    pub(super) signals: Arc<Signals>,
    until: Instant,
    number: i32,
    max_attempts: i32,
    kind: &'static str,
    waited: Duration,
    started: Instant,
    backoff: Backoff,
    max_age: Duration,
    /// It began so late that it has less time than an attempt at the beginning of its invocation.
    pub(super) is_short: bool,
    span: Span,
    handle: Option<AbortHandle>,
    stop: Option<(Stop, Instant)>,
}

impl Attempt {
    pub(super) fn new<S>(
        job: &Claimed,
        entry: &Entry<S>,
        claimed_at: Instant,
        context: &Context,
        trace: Trace,
    ) -> Self {
        let lease = entry.lease();
        Self {
            id: job.id,
            epoch: job.epoch,
            lease,
            lease_until: claimed_at + lease,
            signals: Arc::clone(&context.signals),
            until: context.until,
            number: job.attempt,
            max_attempts: job.max_attempts,
            kind: entry.kind,
            waited: job.waited,
            started: Instant::now(),
            backoff: entry.backoff,
            max_age: entry.max_age,
            is_short: false,
            span: Self::span_of(job, entry.kind, trace),
            handle: None,
            stop: None,
        }
    }

    pub(super) fn with_handle(mut self, handle: AbortHandle) -> Self {
        self.handle = Some(handle);
        self
    }

    /// What is measured of it, up to now.
    pub(super) fn measured(&self) -> Attempted {
        Attempted { kind: self.kind, waited: self.waited, ran: self.started.elapsed() }
    }

    /// Whose lines are of this attempt: those of the handler, and those of the engine about it.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    fn span_of(job: &Claimed, kind: &'static str, trace: Trace) -> Span {
        // Of the highest level, so that every line that is written has these fields.
        tracing::error_span!(
            "job",
            job.id = %job.id,
            job.kind = kind,
            job.attempt = job.attempt,
            user.id = job.owner.map(tracing::field::display),
            trace_id = %trace.id(),
            span_id = %trace.span_id(),
        )
    }

    /// Says that it began late in its invocation.
    pub(super) fn short(self, is_short: bool) -> Self {
        Self { is_short, ..self }
    }

    /// Aborts the attempt at its next `await`. The first reason counts.
    pub(super) fn stop(&mut self, reason: Stop) {
        self.stop.get_or_insert((reason, Instant::now()));
        if let Some(handle) = &self.handle {
            handle.abort();
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    pub(super) fn was_stopped_for(&self, reason: Stop) -> bool {
        self.stop.is_some_and(|(stop, _)| stop == reason)
    }

    /// Tells whether its lease ran out while the database could not be asked, or it goes on although its time is up.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at() <= now
    }

    /// Tells whether it goes on although it was stopped a while ago.
    pub(super) fn is_stuck(&self, now: Instant) -> bool {
        self.stuck_at().is_some_and(|at| at <= now)
    }

    /// When it is over, or stuck, if nothing happens before.
    pub(super) fn look_at(&self) -> Instant {
        self.stuck_at().unwrap_or_else(|| self.ends_at())
    }

    fn ends_at(&self) -> Instant {
        self.lease_until.min(self.until + PATIENCE)
    }

    fn stuck_at(&self) -> Option<Instant> {
        self.stop.map(|(_, at)| at + PATIENCE)
    }

    pub(super) fn stuck(&self) -> End {
        tracing::error!(
            parent: &self.span,
            error.code = "job_stuck",
            "Job {} never awaits and cannot be stopped: it has a thread until this process is started anew",
            self.id,
        );
        End::Unwritten
    }

    pub(super) fn superseded(&self) -> End {
        tracing::warn!(
            parent: &self.span,
            "Job {} left attempt {} behind: the lease was lost",
            self.id,
            self.number,
        );
        End::Superseded
    }

    /// Gives an attempt back for which its invocation had too little time: the next one may have it from its beginning.
    pub(super) fn put_back(&self) -> Verdict {
        tracing::info!(
            parent: &self.span,
            "Job {} began late in its invocation and was not done when that ended: it goes back",
            self.id,
        );
        Verdict::Release
    }

    /// Decides when the next attempt may start; the statement knows whether one is left.
    pub(super) fn retry(&self, error: &anyhow::Error, after: Option<Duration>) -> Verdict {
        let internal = !error.is::<TimedOut>();
        let after = after.unwrap_or_else(|| self.backoff.wait(self.number));
        Verdict::Retry { error: self.failed(&format!("{error:#}")), internal, after }
    }

    pub(super) fn snooze(&self, after: Duration) -> Verdict {
        Verdict::Snooze { after: after.max(SHORTEST_SNOOZE), max_age: self.max_age }
    }

    /// Logs a failed attempt and returns what its row will say.
    pub(super) fn failed(&self, error: &str) -> String {
        tracing::warn!(
            parent: &self.span,
            job.max_attempts = self.max_attempts,
            error,
            "Job {} failed in attempt {} of {}",
            self.id,
            self.number,
            self.max_attempts,
        );
        storable_error(error)
    }
}

/// Returns how long an attempt may take: its kind's limit, or what the host has left.
pub(super) fn limit(timeout: Duration, left: Option<Duration>) -> Duration {
    left.map_or(timeout, |left| timeout.min(left.saturating_sub(TIME_TO_REPORT)))
}

/// Runs the work within its limit and its span.
pub(super) async fn guarded(
    work: impl Future<Output = Result<Outcome, Failure>>,
    limit: Duration,
    span: Span,
) -> Result<Outcome, Failure> {
    match tokio::time::timeout(limit, work.instrument(span)).await {
        Ok(ended) => ended,
        Err(_) => Err(Failure::Retry(TimedOut(limit.as_secs_f64()).into())),
    }
}

/// Returns what a panic said.
pub(super) fn panic_message(panic: Box<dyn Any + Send>) -> anyhow::Error {
    let message = if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else {
        // Not a text: dropping it runs the author's code once more, outside of the guard.
        std::mem::forget(panic);
        "without a message".to_owned()
    };
    anyhow!("the attempt panicked: {message}")
}
