//! How long to wait before the next attempt.

use std::time::Duration;

/// The wait after the first failed attempt is at most this; it doubles with each further one.
const BASE: Duration = Duration::from_secs(2);

/// The wait is never longer than this.
const CAP: Duration = Duration::from_mins(15);

/// Returns the longest wait after the given failed attempt, counted from 1: `min(cap, base × 2^(attempt − 1))`.
#[must_use]
pub fn longest_wait(attempt: i32) -> Duration {
    let doublings = u32::try_from(attempt.max(1) - 1).unwrap_or(0).min(20);
    BASE.saturating_mul(2_u32.saturating_pow(doublings)).min(CAP)
}

/// Draws a wait between nothing and the longest: "full jitter", which spreads a crowd of retries best.
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
pub(super) fn wait(attempt: i32) -> Duration {
    longest_wait(attempt).mul_f64(fastrand::f64())
}
