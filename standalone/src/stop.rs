//! Being stopped: SIGINT and SIGTERM ask for a drain; a second one ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals, from now on no longer deadly.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts to catch them.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for signals: the first cancels the token, the second returns.
    pub(crate) async fn watch(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        for _ in 0..2 {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            if !stop.is_cancelled() {
                tracing::info!("Stopping: requests and jobs under way are finished first, a second signal ends them");
                stop.cancel();
            }
        }
        anyhow::bail!("ended by a second signal; jobs that were running are rescued at the next start")
    }
}
