//! How large a run is, and its seed: by the environment, else small and new each time.

use crate::hosts::say;
use std::str::FromStr;
use std::time::Duration;

/// Jobs of one run, unless `ERRAND_CHAOS_JOBS` says otherwise.
const JOBS: u32 = 500;

/// Jobs a second that are written while things break, unless the run says otherwise.
const PACE: f64 = 30.0;

/// What one run does.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Everything random comes from it.
    pub seed: u64,
    /// Jobs that are written.
    pub jobs: u32,
    /// Jobs a second that are written while things break.
    pub pace: f64,
}

impl Settings {
    /// Reads the environment, and says how to have the same run again.
    pub fn of(run: &str) -> Self {
        let seed = number("ERRAND_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..));
        let jobs = number("ERRAND_CHAOS_JOBS").unwrap_or(JOBS);
        say(&format!("chaos {run}: ERRAND_CHAOS_SEED={seed} ERRAND_CHAOS_JOBS={jobs}"));
        Self { seed, jobs, pace: PACE }
    }

    /// A generator of its own for each part of a run.
    pub fn random(&self, part: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed.wrapping_add(part.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// How long the writing of the jobs is spread over.
    pub fn writing_time(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.jobs) / self.pace)
    }

    /// How many workers there are: large runs have more, so that they end in the time of a run and not of a day.
    pub fn workers(&self) -> usize {
        3 + self.jobs as usize / 2_000
    }

    /// How long what is left may take when nothing breaks any more. A batch takes as long as its slowest job, so a worker
    /// that gets batches does a few jobs a second.
    pub fn draining_time(&self) -> Duration {
        Duration::from_mins(2) + 2 * self.writing_time()
    }
}

/// Reads a number from the environment.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it through the environment")]
pub fn number<T: FromStr>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}
