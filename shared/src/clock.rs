//! Time, handed in. Engine time is the database's clock; this is what moves it, and what the host's own time is read from.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The time of the process: the wall clock, plus an offset that only tests move.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Host time, for tokens and the stamps of domain rows; the engine asks the database instead.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Seconds that the engine's statements add to the database's clock; zero outside tests.
    #[expect(clippy::cast_precision_loss, reason = "offsets are far below 2^52 milliseconds")]
    #[must_use]
    pub fn offset_seconds(&self) -> f64 {
        self.offset_ms.load(Ordering::Relaxed) as f64 / 1000.0
    }

    /// Moves this clock, and all its clones, forward.
    pub fn advance(&self, by: TimeDelta) {
        self.offset_ms.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }
}

/// Lets something happen once in a while, at most, in this process.
#[derive(Debug)]
pub struct Pace {
    every: Duration,
    /// When it happened last, by the host, and how far the clock had been moved then.
    last: Mutex<Option<(Instant, f64)>>,
}

impl Pace {
    /// It may happen now, and then this long after it happened.
    #[must_use]
    pub fn new(every: Duration) -> Self {
        Self { every, last: Mutex::default() }
    }

    /// Tells whether it is to happen now; whoever is told so does it.
    #[must_use]
    pub fn is_due(&self, clock: &Clock) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, offset) = (Instant::now(), clock.offset_seconds());
        let is_due = last.is_none_or(|(at, offset_then)| {
            now.duration_since(at).as_secs_f64() + offset - offset_then >= self.every.as_secs_f64()
        });
        if is_due {
            *last = Some((now, offset));
        }
        is_due
    }
}

/// Waits until a time that may never come.
pub async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// How long an invocation may take when nobody says.
const USUAL_INVOCATION: Duration = Duration::from_mins(10);

/// Returns the time that is left until a Lambda function's deadline. One that has passed already is none:
/// `cargo lambda watch` sends such.
#[must_use]
pub fn time_left(deadline: SystemTime) -> Duration {
    deadline.duration_since(SystemTime::now()).unwrap_or(USUAL_INVOCATION)
}
