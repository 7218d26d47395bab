//! The host's word that it stops, for requests that wait for something.

use tokio::sync::watch;

/// Hears when the host stops. It comes to the handlers as an extension of the request; a host that never says so, such as
/// Lambda, gives none.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Makes it of a channel into which the host writes `true` when it stops.
    #[must_use]
    pub fn new(stops: watch::Receiver<bool>) -> Self {
        Self(stops)
    }

    /// Waits for the word.
    pub(crate) async fn said(&mut self) {
        if self.0.wait_for(|stops| *stops).await.is_err() {
            // The host is gone without a word.
            std::future::pending::<()>().await;
        }
    }
}
