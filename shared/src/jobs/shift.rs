//! A shift: the attempts that one process runs side by side, kept alive, ended and written down in one loop.
//!
//! One owner holds all the state, so nothing is shared and nothing is left running: a host takes turns until the
//! shift is idle, and dropping the shift aborts what is left.

mod attempt;
mod heart;
mod ledger;

use super::claim::Claimed;
use super::finish::{Ending, Verdict};
use super::job::{Failure, Success};
use super::row::State;
use super::text::storable_error;
use super::{Attempted, Context, Outcome, Runner};
use crate::clock::sleep_until;
use crate::ids::JobId;
use crate::trace::Trace;
use attempt::{Attempt, Stop, TimedOut};
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinSet};

/// An attempt that has less than this of what it would have had at the beginning of its shift began too late. The first ones
/// have a little less too: what claims and looks at locked rows take.
const FAIR_SHARE: f64 = 0.8;

/// What became of an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The job succeeded.
    Succeeded,
    /// The job failed for good.
    Failed,
    /// The job waits for another attempt.
    Retrying,
    /// The job waits, as its handler wished; the attempt did not count.
    Snoozed,
    /// The job goes on at its checkpoint in another attempt.
    Continued,
    /// The job was called off.
    Cancelled,
    /// The job went back, as if this attempt had not been.
    Released,
    /// Somebody else has the job, or it was finished already: nothing was written.
    Superseded,
    /// The end could not be written. The lease will run out, and the job will be rescued.
    Unwritten,
}

impl End {
    /// Every end.
    pub const ALL: [Self; 9] = [
        Self::Succeeded,
        Self::Failed,
        Self::Retrying,
        Self::Snoozed,
        Self::Continued,
        Self::Cancelled,
        Self::Released,
        Self::Superseded,
        Self::Unwritten,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Retrying => "retrying",
            Self::Snoozed => "snoozed",
            Self::Continued => "continued",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
            Self::Superseded => "superseded",
            Self::Unwritten => "unwritten",
        }
    }
}

/// The attempts that run now, and those whose end is not written yet.
pub struct Shift<S> {
    runner: Runner<S>,
    deadline: Option<Instant>,
    /// What there was until the deadline when the shift began.
    whole: Option<Duration>,
    tasks: JoinSet<Result<Outcome, Failure>>,
    attempts: HashMap<tokio::task::Id, Attempt>,
    /// When the attempts are to be looked through: no later than the first of them has to be stopped or given up on.
    look: Option<Instant>,
    ledger: ledger::Ledger,
    heart: heart::Heart,
}

impl<S> std::fmt::Debug for Shift<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shift").field("attempts", &self.attempts).finish_non_exhaustive()
    }
}

impl<S: Clone + Send + Sync + 'static> Shift<S> {
    pub(super) fn new(runner: Runner<S>, deadline: Option<Instant>, patience: Duration) -> Self {
        Self {
            runner,
            deadline,
            whole: left(deadline),
            tasks: JoinSet::new(),
            attempts: HashMap::new(),
            look: None,
            ledger: ledger::Ledger::new(patience, deadline),
            heart: heart::Heart::default(),
        }
    }

    /// How many attempts run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.attempts.len()
    }

    /// Tells whether nothing runs and everything is written.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.attempts.is_empty() && self.ledger.is_idle()
    }

    /// Starts an attempt of each claimed job. `claimed_at` is when the claim was sent: leases count from no later.
    pub fn start(&mut self, jobs: Vec<Claimed>, claimed_at: Instant) {
        let inner = &self.runner.inner;
        for job in jobs {
            // The claim filters on what the registry supports.
            let Some(entry) = inner.registry.entry(&job.kind, job.version) else { continue };
            let limit = attempt::limit(entry.timeout, left(self.deadline));
            let is_short = limit < attempt::limit(entry.timeout, self.whole).mul_f64(FAIR_SHARE);
            let context = Context {
                job: job.id,
                owner: job.owner,
                epoch: job.epoch,
                attempt: job.attempt,
                clock: inner.clock.clone(),
                until: Instant::now() + limit,
                checkpoint: job.checkpoint.clone().map(std::sync::Arc::new),
                signals: std::sync::Arc::default(),
            };
            let trace = job.trace.unwrap_or_else(|| Trace::of_job(job.id)).child();
            let attempt = Attempt::new(&job, entry, claimed_at, &context, trace).short(is_short);
            let work = trace.scope((entry.run)(job.payload.0, inner.state.clone(), context));
            let work = attempt::guarded(work, limit, attempt.span().clone());
            let handle = self.tasks.spawn(work);
            self.heart.hurry(attempt.lease);
            self.look = earliest(self.look, Some(attempt.look_at()));
            self.attempts.insert(handle.id(), attempt.with_handle(handle));
        }
    }

    /// Stops every attempt; their jobs go back as if these attempts had not been.
    pub fn release(&mut self) {
        for attempt in self.attempts.values_mut() {
            attempt.stop(Stop::Release);
        }
        self.look = self.attempts.values().map(Attempt::look_at).min();
    }

    /// Waits for the next thing to happen and deals with it; returns the attempts that ended by it, with their ends
    /// written. Dropping the future between turns loses nothing. Waits forever when the shift is idle.
    pub async fn turn(&mut self) -> Vec<(JobId, End)> {
        if self.look.is_some_and(|at| at <= Instant::now()) {
            let stuck = self.look_through();
            if !stuck.is_empty() {
                return stuck;
            }
        }
        self.ledger.begin_writing(&self.runner);
        self.heart.begin_beating(&self.runner, &self.attempts);
        let due = if self.attempts.is_empty() { None } else { earliest(self.look, self.heart.due_at()) };
        tokio::select! {
            Some(joined) = self.tasks.join_next_with_id() => {
                let mut ends = Vec::new();
                let mut next = Some(joined);
                while let Some(joined) = next {
                    ends.extend(self.ended(joined));
                    next = self.tasks.try_join_next_with_id();
                }
                ends
            }
            written = self.ledger.written() => {
                let closed = self.ledger.close(written);
                closed.into_iter().map(|closed| self.over(closed.job, closed.attempt, closed.end)).collect()
            }
            beaten = self.heart.beaten() => {
                self.heart.listen(beaten, &mut self.attempts);
                self.look = self.attempts.values().map(Attempt::look_at).min();
                Vec::new()
            }
            () = sleep_until(due) => Vec::new(),
        }
    }

    /// Stops attempts whose time is up, and gives up on those that were stopped and go on: they never await. A host with a
    /// deadline is ended by that; in one that stays, such an attempt has its thread for good.
    fn look_through(&mut self) -> Vec<(JobId, End)> {
        let now = Instant::now();
        for attempt in self.attempts.values_mut().filter(|attempt| attempt.is_over(now)) {
            attempt.stop(Stop::LeaseLost);
        }
        let mut stuck = Vec::new();
        if self.deadline.is_none() {
            stuck.extend(self.attempts.extract_if(|_, attempt| attempt.is_stuck(now)).map(|(_, attempt)| attempt));
        }
        // Those that are stuck under a deadline are not looked at again.
        self.look = self.attempts.values().map(Attempt::look_at).filter(|at| *at > now).min();
        stuck.into_iter().map(|attempt| self.over(attempt.id, attempt.measured(), attempt.stuck())).collect()
    }

    /// Tells whoever listens that an attempt is over.
    fn over(&self, job: JobId, attempt: Attempted, end: End) -> (JobId, End) {
        if let Some(observer) = self.runner.inner.observer.get() {
            observer.ended(attempt, end);
        }
        (job, end)
    }

    /// Notes the end of an attempt down, to be written; or tells what became of it, when there is nothing to write.
    fn ended(
        &mut self,
        joined: Result<(tokio::task::Id, Result<Outcome, Failure>), JoinError>,
    ) -> Option<(JobId, End)> {
        let task = match &joined {
            Ok((task, _)) => *task,
            Err(error) => error.id(),
        };
        let attempt = self.attempts.remove(&task)?;
        let measured = attempt.measured();
        let verdict = match joined {
            Ok((_, Ok(Outcome(Success::Committed)))) => {
                return Some(self.over(attempt.id, measured, End::Succeeded));
            }
            Ok((_, Ok(Outcome(Success::Done(result))))) => Verdict::Done(result),
            Ok((_, Ok(Outcome(Success::Continues)))) => Verdict::Continue,
            Ok((_, Err(Failure::Snooze(after)))) => attempt.snooze(after),
            Ok((_, Err(Failure::Discard(error)))) => Verdict::Discard { error: attempt.failed(&format!("{error:#}")) },
            Ok((_, Err(Failure::Retry(error)))) if attempt.is_short && error.is::<TimedOut>() => attempt.put_back(),
            Ok((_, Err(Failure::Retry(error)))) => attempt.retry(&error, None),
            Ok((_, Err(Failure::RetryIn(error, after)))) => attempt.retry(&error, Some(after)),
            Ok((_, Err(Failure::Cancelled))) => Verdict::Cancelled,
            Err(error) if error.is_panic() => attempt.retry(&attempt::panic_message(error.into_panic()), None),
            Err(_) if attempt.was_stopped_for(Stop::Release) => Verdict::Release,
            Err(_) if attempt.was_stopped_for(Stop::Cancelled) => Verdict::Cancelled,
            Ok((_, Err(Failure::Superseded))) | Err(_) => {
                return Some(self.over(attempt.id, measured, attempt.superseded()));
            }
        };
        self.ledger.note(Ending { id: attempt.id, epoch: attempt.epoch, verdict }, measured, attempt.span().clone());
        None
    }
}

/// Returns what is left until a time that may never come.
fn left(until: Option<Instant>) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(Instant::now()))
}

/// Returns the earlier of two times that may never come.
fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// Waits for a future that may not be there.
async fn when_there<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
