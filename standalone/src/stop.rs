//! Being stopped: SIGINT and SIGTERM ask for a drain; a second one ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Waits for signals: the first cancels the token, the second returns.
pub(crate) async fn watch(stop: CancellationToken) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    for _ in 0..2 {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if !stop.is_cancelled() {
            tracing::info!("Stopping: requests and jobs under way are finished first, a second signal ends them");
            stop.cancel();
        }
    }
    anyhow::bail!("ended by a second signal; jobs that were running are rescued at the next start")
}
