//! What the API reads from its environment.

use secrecy::SecretString;
use shared::config::{
    ConfigError, DatabaseConfig, Environment, LogConfig, QueueConfig, Reader, SentryConfig, StorageConfig, load,
};

/// On Lambda a process serves one request at a time.
const POOL_SIZE: u32 = 1;

/// A shorter secret could be guessed: HS256 wants as many bits as its hash has.
/// <https://www.rfc-editor.org/rfc/rfc7518#section-3.2>
const SHORTEST_SECRET: usize = 32;

/// The API's configuration.
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
    /// What signs tokens.
    pub signing: SigningConfig,
    /// Whether `/openapi.json` is served.
    pub docs: bool,
    /// Whether webhooks may lead into private networks.
    pub private_webhooks: bool,
}

/// What signs tokens.
#[derive(Clone, Debug)]
pub struct SigningConfig {
    /// The secret, or where it is.
    pub source: SigningSource,
}

/// The secret that signs tokens, or where it is.
#[derive(Clone, Debug)]
pub enum SigningSource {
    /// The secret itself.
    Key(SecretString),
    /// The ARN of a secret, whose previous version is still honoured.
    Secret(String),
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
            let signing = SigningConfig::read(reader);
            let docs = switch(reader, "API_DOCS", environment != Environment::Production);
            let private_webhooks = switch(reader, "OUTBOUND_ALLOW_PRIVATE", false);
            Some(Self {
                environment,
                log,
                sentry,
                database: database?,
                queue,
                storage: storage?,
                signing: signing?,
                docs,
                private_webhooks,
            })
        })
    }
}

impl SigningConfig {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(key) = reader.text("SECRET_KEY") {
            if key.len() < SHORTEST_SECRET {
                reader.problem("SECRET_KEY", "is shorter than 32 bytes; `openssl rand -hex 32` makes a good one");
            }
            return Some(Self { source: SigningSource::Key(key.into()) });
        }
        let Some(arn) = reader.text("SIGNING_SECRET_ARN") else {
            reader.problem("SECRET_KEY", "is not set, and neither is SIGNING_SECRET_ARN");
            return None;
        };
        Some(Self { source: SigningSource::Secret(arn) })
    }
}

fn switch(reader: &mut Reader<'_>, name: &str, default: bool) -> bool {
    match reader.text(name).as_deref() {
        None => default,
        Some("on") => true,
        Some("off") => false,
        Some(other) => {
            let problem = format!("is \"{other}\", which is not one of on, off");
            reader.problem(name, &problem);
            false
        }
    }
}
