//! What the scheduler reads from its environment.

use shared::config::{ConfigError, DatabaseConfig, Environment, LogConfig, QueueConfig, load};

/// Ticks come one after the other.
const POOL_SIZE: u32 = 1;

/// The scheduler's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the process runs.
    pub environment: Environment,
    /// What is logged.
    pub log: LogConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// The queue.
    pub queue: QueueConfig,
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
            let database = DatabaseConfig::read(reader, POOL_SIZE);
            let queue = QueueConfig::read(reader);
            Some(Self { environment, log, database: database?, queue })
        })
    }
}
