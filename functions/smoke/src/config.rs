//! What `smoke` reads from its environment.

use shared::config::{ConfigError, LogConfig, load};

/// The configuration of `smoke`.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is logged.
    pub log: LogConfig,
    /// The ARN of the version that is tried.
    pub api_version: String,
}

impl Config {
    /// Reads the configuration through a lookup.
    ///
    /// # Errors
    /// Lists all variables that are missing or cannot be understood.
    pub fn load(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        load(lookup, |reader| {
            let log = LogConfig::read(reader);
            let api_version = reader.required("API_VERSION");
            Some(Self { log, api_version: api_version? })
        })
    }
}
