//! What the scheduler reads from its environment.

use shared::config::{ConfigError, DatabaseConfig, Environment, LogConfig, QueueConfig, Reader, SentryConfig, load};
use shared::jobs::Retention;
use std::time::Duration;

/// Ticks come one after the other.
const POOL_SIZE: u32 = 1;

/// Files of exports are kept for seven days, and deleted by a daily job that finds them through their jobs' rows. So
/// these must stay for longer.
const SHORTEST_RETENTION: u64 = 9;

/// Ten years.
const LONGEST_RETENTION: u64 = 3_650;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// The scheduler's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the process runs.
    pub environment: Environment,
    /// What is logged.
    pub log: LogConfig,
    /// Where errors are reported besides.
    pub sentry: Option<SentryConfig>,
    /// The database.
    pub database: DatabaseConfig,
    /// The queue.
    pub queue: QueueConfig,
    /// How long finished jobs are kept.
    pub retention: Retention,
    /// The ARN of the secret that signs tokens, where it is one of Secrets Manager.
    pub signing_secret: Option<String>,
}

impl Config {
    /// Reads the configuration through a lookup.
    ///
    /// # Errors
    /// Lists all variables that are missing or cannot be understood.
    pub fn load(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        load(lookup, |reader| {
            let environment = Environment::read(reader);
            let log = LogConfig::read(reader);
            let sentry = SentryConfig::read(reader, environment);
            let database = DatabaseConfig::read(reader, POOL_SIZE);
            let queue = QueueConfig::read(reader);
            let retention = retention(reader);
            let signing_secret = reader.text("SIGNING_SECRET_ARN");
            Some(Self { environment, log, sentry, database: database?, queue, retention, signing_secret })
        })
    }
}

/// Reads `JOB_RETENTION_DAYS` and `FAILED_JOB_RETENTION_DAYS`.
fn retention(reader: &mut Reader<'_>) -> Retention {
    let usual = Retention::default();
    let mut days = |name: &str, usual: Duration| {
        let usual = usual.as_secs() / DAY;
        let days = reader.parsed(name, usual, "a number of days");
        if !(SHORTEST_RETENTION..=LONGEST_RETENTION).contains(&days) {
            let bounds = format!("is {days}, which is not from {SHORTEST_RETENTION} to {LONGEST_RETENTION} days");
            reader.problem(name, &bounds);
        }
        Duration::from_secs(days.saturating_mul(DAY))
    };
    Retention {
        succeeded: days("JOB_RETENTION_DAYS", usual.succeeded),
        failed: days("FAILED_JOB_RETENTION_DAYS", usual.failed),
    }
}
