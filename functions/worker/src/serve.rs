//! The worker without a queue: it claims what is due, when it is told to look, when the next job becomes due, and every
//! few seconds in case nobody told it.

use crate::{State, Worker};
use futures_util::future::BoxFuture;
use shared::db::DbError;
use shared::jobs::{Claimed, LocalWorker, Runner, Shift};
use std::future::Future;
use std::time::{Duration, Instant};

/// The longest time without a look.
const POLL: Duration = Duration::from_secs(5);

/// The pause after a look that could not reach the database.
const PAUSE: Duration = Duration::from_secs(1);

/// How long running jobs may go on after a stop was asked for; then they go back.
const DRAIN: Duration = Duration::from_secs(10);

/// How long the process insists on writing ends while the database is away: then the leases are over anyway.
const PATIENCE: Duration = shared::jobs::LONGEST_LEASE;

/// Runs due jobs in `slots` places until `stop` is done; then running jobs finish, or go back.
pub async fn serve(worker: &Worker, local: &LocalWorker, slots: usize, stop: impl Future<Output = ()> + Send) {
    tokio::pin!(stop);
    let mut shift = worker.runner.shift(None, PATIENCE);
    let mut lookout = Lookout::default();
    loop {
        let free = slots.saturating_sub(shift.running());
        local.set_free(free);
        lookout.look_if_due(&worker.runner, free);
        let (next_look, is_looking) = (lookout.next, lookout.looking.is_some());
        tokio::select! {
            () = &mut stop => break,
            _ = shift.turn() => {}
            () = local.woken() => lookout.look_soon(),
            seen = lookout.seen() => lookout.act(seen, &mut shift),
            () = tokio::time::sleep_until(next_look.into()), if free > 0 && !is_looking => {}
        }
    }
    local.set_free(0);
    if let Some(seen) = lookout.last().await {
        lookout.act(seen, &mut shift);
    }
    drain(shift).await;
}

async fn drain(mut shift: Shift<State>) {
    let running = shift.running();
    if running > 0 {
        tracing::info!(jobs = running, "Waiting for {running} running jobs");
    }
    let finish = async {
        while !shift.is_idle() {
            shift.turn().await;
        }
    };
    if tokio::time::timeout(DRAIN, finish).await.is_ok() {
        return;
    }
    tracing::warn!(jobs = shift.running(), "{} jobs are still running and go back to the queue", shift.running());
    shift.release();
    let give_back = async {
        while !shift.is_idle() {
            shift.turn().await;
        }
    };
    if tokio::time::timeout(DRAIN, give_back).await.is_err() {
        tracing::error!(
            "The database could not be told which jobs go back, they will be rescued when their leases end"
        );
    }
}

/// What a look brought.
struct Seen {
    asked: usize,
    claimed_at: Instant,
    jobs: Result<Vec<Claimed>, DbError>,
    next_due: Option<Duration>,
}

/// Decides when to look for due jobs.
struct Lookout {
    next: Instant,
    looking: Option<BoxFuture<'static, Seen>>,
    /// Somebody said "look" while a look was under way.
    again: bool,
}

impl Default for Lookout {
    fn default() -> Self {
        Self { next: Instant::now(), looking: None, again: false }
    }
}

impl Lookout {
    fn look_soon(&mut self) {
        self.next = Instant::now();
        self.again = self.looking.is_some();
    }

    fn look_if_due(&mut self, runner: &Runner<State>, free: usize) {
        if self.looking.is_some() || free == 0 || self.next > Instant::now() {
            return;
        }
        let runner = runner.clone();
        self.looking = Some(Box::pin(async move {
            let claimed_at = Instant::now();
            let jobs = runner.claim_due(free).await;
            let found_all = jobs.as_ref().is_ok_and(|jobs| jobs.len() < free);
            let next_due = if found_all { runner.next_due(POLL).await.ok().flatten() } else { None };
            Seen { asked: free, claimed_at, jobs, next_due }
        }));
    }

    async fn seen(&mut self) -> Seen {
        let Some(looking) = &mut self.looking else { return std::future::pending().await };
        let seen = looking.await;
        self.looking = None;
        seen
    }

    async fn last(&mut self) -> Option<Seen> {
        match self.looking.take() {
            Some(looking) => Some(looking.await),
            None => None,
        }
    }

    fn act(&mut self, seen: Seen, shift: &mut Shift<State>) {
        let now = Instant::now();
        match seen.jobs {
            Ok(jobs) => {
                let there_may_be_more = jobs.len() == seen.asked;
                shift.start(jobs, seen.claimed_at);
                let wait = if there_may_be_more { Duration::ZERO } else { seen.next_due.unwrap_or(POLL) };
                self.next = now + wait.min(POLL);
            }
            Err(error) => {
                tracing::warn!(error = format!("{:#}", anyhow::Error::new(error)), "Due jobs could not be looked for");
                self.next = now + PAUSE;
            }
        }
        if std::mem::take(&mut self.again) {
            self.next = now;
        }
    }
}
