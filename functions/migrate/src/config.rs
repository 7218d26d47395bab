//! What `migrate` reads from its environment.

use shared::config::{ConfigError, DatabaseConfig, Environment, LogConfig, Reader, SentryConfig, load};

/// Migrations come one after the other.
const POOL_SIZE: u32 = 1;

/// The configuration of `migrate`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the process runs.
    pub environment: Environment,
    /// What is logged.
    pub log: LogConfig,
    /// Where errors are reported besides.
    pub sentry: Option<SentryConfig>,
    /// The database, as a role that may make roles.
    pub database: DatabaseConfig,
    /// The secrets that this function rotates.
    pub rotated: RotatedSecrets,
}

/// The secrets that are rotated, by their ARNs; without one of them there is nothing to rotate.
#[derive(Clone, Debug, Default)]
pub struct RotatedSecrets {
    /// What the application logs in to the database with. Without it no roles are made.
    pub app: Option<String>,
    /// What access tokens are signed with.
    pub signing: Option<String>,
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
            let rotated = RotatedSecrets::read(reader);
            let database = DatabaseConfig::read(reader, POOL_SIZE)?;
            Some(Self { environment, log, sentry, database, rotated })
        })
    }
}

impl RotatedSecrets {
    /// Reads `APP_SECRET_ARN` and `SIGNING_SECRET_ARN`.
    fn read(reader: &mut Reader<'_>) -> Self {
        Self { app: reader.text("APP_SECRET_ARN"), signing: reader.text("SIGNING_SECRET_ARN") }
    }
}
