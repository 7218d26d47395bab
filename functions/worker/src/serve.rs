//! The worker without a queue: it claims what is due, when it is told to look, when the next job becomes due, and every
//! few seconds in case nobody told it.

mod lookout;

use crate::{State, Worker};
use lookout::Lookout;
use shared::clock::sleep_until;
use shared::jobs::{LocalWorker, Runner, Shift};
use std::future::Future;
use std::time::Duration;

/// How long running jobs may go on after a stop was asked for; then they go back.
const DRAIN: Duration = Duration::from_secs(10);

/// How long the process insists on writing ends while the database is away: then the leases are over anyway.
const PATIENCE: Duration = shared::jobs::LONGEST_LEASE;

/// When the process asks itself whether it is time to say which kinds it runs. Not at the start: jobs come first.
const ANNOUNCE: Duration = Duration::from_secs(30);

/// Runs due jobs in `slots` places until `stop` is done; then running jobs finish, or go back.
pub async fn serve(worker: &Worker, local: &LocalWorker, slots: usize, stop: impl Future<Output = ()> + Send) {
    tokio::pin!(stop);
    let mut shift = worker.runner.shift(None, PATIENCE);
    let mut lookout = Lookout::new(worker.runner.clone(), slots);
    let announcing = announce(&worker.runner);
    tokio::pin!(announcing);
    loop {
        local.set_free(slots.saturating_sub(shift.running()));
        lookout.look_if_due(&shift);
        let next_look = lookout.next_look(&shift);
        tokio::select! {
            () = &mut stop => break,
            _ = shift.turn() => {}
            () = local.woken() => lookout.heed(local.take_alarms()),
            seen = lookout.seen() => lookout.act(seen, &mut shift),
            () = sleep_until(next_look) => {}
            () = &mut announcing => {}
        }
    }
    local.set_free(0);
    if let Some(seen) = lookout.last().await {
        lookout.act(seen, &mut shift);
    }
    drain(shift).await;
}

/// Never ends.
async fn announce(runner: &Runner<State>) {
    loop {
        tokio::time::sleep(ANNOUNCE).await;
        runner.announce().await;
    }
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
            error.code = "jobs_not_released",
            "The database could not be told which jobs go back, they will be rescued when their leases end"
        );
    }
}
