//! The scheduler in this process: a tick every few seconds.

use scheduler::Scheduler;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// The time between two ticks. A tick with nothing to do is two statements.
const INTERVAL: Duration = Duration::from_secs(5);

/// Ticks until the stop.
pub(crate) async fn run(scheduler: &Scheduler, stop: &CancellationToken) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        if let Err(error) = scheduler.tick().await {
            tracing::warn!(
                error = format!("{:#}", anyhow::Error::new(error)),
                "A tick of the scheduler failed, the next one goes on"
            );
        }
    }
}
