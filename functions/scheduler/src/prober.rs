//! Whether requests can be served, as `/health/ready` of the API says it, but without a caller.

use shared::clock::{Clock, Pace};
use shared::secrets::Secrets;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the signing secret is looked at; each look costs. In between the last one counts, unless it was bad.
const EVERY: Duration = Duration::from_mins(5);

/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks at what requests need besides the database, which each tick uses anyway. A queue that is down makes no request
/// fail.
#[derive(Clone, Debug, Default)]
pub struct Prober(Option<Arc<SigningSecret>>);

#[derive(Debug)]
struct SigningSecret {
    arn: String,
    secrets: Secrets,
    pace: Pace,
    was_there: AtomicBool,
}

impl Prober {
    /// Watches the secret that signs tokens. Without one, as in a process that has the key itself, there is nothing to watch.
    #[must_use]
    pub fn new(signing_secret: Option<String>, secrets: &Secrets) -> Self {
        Self(signing_secret.map(|arn| {
            let (pace, was_there) = (Pace::new(EVERY), AtomicBool::new(false));
            Arc::new(SigningSecret { arn, secrets: secrets.clone(), pace, was_there })
        }))
    }

    /// Tells whether tokens can be signed and checked.
    pub(crate) async fn can_sign(&self, clock: &Clock) -> bool {
        let Some(secret) = &self.0 else { return true };
        if secret.pace.is_due(clock) || !secret.was_there.load(Ordering::Relaxed) {
            let look = tokio::time::timeout(LIMIT, secret.secrets.is_there(&secret.arn)).await;
            secret.was_there.store(look.unwrap_or(false), Ordering::Relaxed);
        }
        secret.was_there.load(Ordering::Relaxed)
    }
}
