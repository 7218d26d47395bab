//! What the worker reads from its environment.

use shared::config::{
    ConfigError, DatabaseConfig, Environment, LogConfig, QueueConfig, SentryConfig, StorageConfig, load,
};

/// Connections for jobs, and so jobs that run side by side: one batch of SQS.
const POOL_SIZE: u32 = 10;

/// The worker's configuration.
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
    /// The files of exports and imports.
    pub storage: StorageConfig,
    /// The function that sends mail and makes HTTP calls, by name or ARN; `None` where a process does that itself.
    pub outbound_function: Option<String>,
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
            let storage = StorageConfig::read(reader);
            let outbound_function = reader.text("OUTBOUND_FUNCTION");
            Some(Self { environment, log, sentry, database: database?, queue, storage: storage?, outbound_function })
        })
    }
}
