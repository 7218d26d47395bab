//! Errors on their way to Sentry, or to whoever else takes its envelopes: lines of the type `error`, kept until they are
//! sent. Nothing depends on it: what cannot be sent is dropped, and the log has it.

mod dsn;
mod envelope;

pub use dsn::Dsn;

use crate::config::SentryConfig;
use crate::tls;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, header};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Errors that wait at most. In a crowd the first ones tell what happened.
const MOST: usize = 20;

/// How long it may take to send what waits: an invocation waits for it.
const LIMIT: Duration = Duration::from_secs(2);

/// How long nothing is sent after that failed, so that not every request pays for it. Whoever was asked too often may ask
/// for longer.
const PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Where errors wait; clones share it. The default one keeps none.
#[derive(Clone, Debug, Default)]
pub struct Reports(Option<Arc<Inner>>);

struct Inner {
    config: SentryConfig,
    waiting: Mutex<Waiting>,
    arrived: Notify,
    has_complained: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    /// How many did not fit.
    dropped: u64,
    not_before: Option<Instant>,
}

/// Why errors could not be sent.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error("the answer did not come within {} s", LIMIT.as_secs())]
    TimedOut,
    #[error("the answer was {status}")]
    Refused { status: StatusCode, retry_after: Option<Duration> },
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Reports {
    /// Keeps errors for this address; keeps none without.
    #[must_use]
    pub fn to(config: Option<SentryConfig>) -> Self {
        Self(config.map(|config| {
            let (waiting, arrived, has_complained) = (Mutex::default(), Notify::new(), AtomicBool::new(false));
            Arc::new(Inner { config, waiting, arrived, has_complained })
        }))
    }

    pub(super) fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Keeps a line.
    pub(super) fn keep(&self, line: &[u8]) {
        let Some(inner) = &self.0 else { return };
        let mut waiting = inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.lines.len() < MOST {
            waiting.lines.push_back(line.to_owned());
            inner.arrived.notify_one();
        } else {
            waiting.dropped += 1;
        }
    }

    /// Sends what waits. A Lambda function does so before it answers: afterwards it is frozen.
    pub async fn flush(&self) {
        let Some(inner) = &self.0 else { return };
        let (lines, dropped) = inner.take();
        if lines.is_empty() {
            return;
        }
        // Boxed: the client's futures are large, and would otherwise become part of every future above.
        let sent = tokio::time::timeout(LIMIT, Box::pin(inner.send(lines, dropped))).await;
        if let Err(error) = sent.unwrap_or(Err(Unsent::TimedOut)) {
            inner.pause(&error);
        }
    }

    /// Waits until there is something to send; forever where errors are not kept.
    pub async fn arrived(&self) {
        match &self.0 {
            Some(inner) => inner.arrived.notified().await,
            None => std::future::pending().await,
        }
    }
}

impl Inner {
    fn take(&self) -> (VecDeque<Vec<u8>>, u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.not_before.is_some_and(|time| Instant::now() < time) {
            waiting.dropped += waiting.lines.len() as u64;
            waiting.lines.clear();
            return Default::default();
        }
        if waiting.lines.is_empty() {
            return Default::default();
        }
        (std::mem::take(&mut waiting.lines), std::mem::take(&mut waiting.dropped))
    }

    /// An envelope holds one error. None is tried twice.
    async fn send(&self, lines: VecDeque<Vec<u8>>, dropped: u64) -> Result<(), Unsent> {
        tls::install();
        #[expect(clippy::disallowed_methods, reason = "errors are rare, and all of this has a time limit")]
        // No connection is kept: it would not survive a frozen sandbox.
        let client = Client::builder().timeout(LIMIT).redirect(Policy::none()).pool_max_idle_per_host(0).build()?;
        for line in lines {
            let Some(envelope) = envelope::write(&line, &self.config, dropped) else { continue };
            let request = client.post(self.config.dsn.url()).header(header::CONTENT_TYPE, envelope::CONTENT_TYPE);
            let request = request.header("x-sentry-auth", self.config.dsn.auth());
            let answer = request.body(envelope).send().await.map_err(reqwest::Error::without_url)?;
            if !answer.status().is_success() {
                let seconds =
                    answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                let (status, retry_after) = (answer.status(), seconds.map(Duration::from_secs));
                return Err(Unsent::Refused { status, retry_after });
            }
        }
        Ok(())
    }

    fn pause(&self, error: &Unsent) {
        let asked = match error {
            Unsent::Refused { retry_after, .. } => retry_after.unwrap_or(PAUSE),
            Unsent::TimedOut | Unsent::Http(_) => PAUSE,
        };
        let not_before = Instant::now() + asked.clamp(PAUSE, LONGEST_PAUSE);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).not_before = Some(not_before);
        if !self.has_complained.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "Errors could not be reported; this is said once, and they are in the log"
            );
        }
    }
}
