//! How long to wait before the next attempt.

use std::time::Duration;

/// The waits between the attempts of a kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Backoff {
    /// The wait after the first failed attempt is at most this; it doubles with each further one.
    pub base: Duration,
    /// The wait is never longer than this.
    pub cap: Duration,
    /// How much of it is left to chance.
    pub jitter: Jitter,
}

/// How much of a wait is left to chance, so that jobs that failed together do not come back together.
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Jitter {
    /// All of it: between nothing and the longest wait. It spreads a crowd of retries best.
    Full,
    /// One half: between half of the longest wait and all of it.
    Equal,
    /// Nothing: always the longest wait.
    None,
}

impl Backoff {
    /// What a kind has that does not say otherwise.
    pub const DEFAULT: Self = Self { base: Duration::from_secs(2), cap: Duration::from_mins(15), jitter: Jitter::Full };

    /// Returns the longest wait after the given failed attempt, counted from 1: `min(cap, base × 2^(attempt − 1))`.
    #[must_use]
    pub fn longest_wait(&self, attempt: i32) -> Duration {
        let doublings = u32::try_from(attempt.max(1) - 1).unwrap_or(0).min(30);
        self.base.saturating_mul(2_u32.saturating_pow(doublings)).min(self.cap)
    }

    /// Draws the wait after the given failed attempt.
    pub(super) fn wait(&self, attempt: i32) -> Duration {
        let longest = self.longest_wait(attempt);
        match self.jitter {
            Jitter::Full => longest.mul_f64(fastrand::f64()),
            Jitter::Equal => longest.mul_f64(0.5 + fastrand::f64() / 2.0),
            Jitter::None => longest,
        }
    }
}
