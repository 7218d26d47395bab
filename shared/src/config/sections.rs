//! The sections that more than one function reads, one typed struct each.

use super::Reader;
use crate::telemetry::Dsn;
use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;
use std::str::FromStr;
use tracing::Level;

/// Where the process runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Environment {
    /// A laptop.
    Development,
    /// A rehearsal of production.
    Staging,
    /// The real thing.
    Production,
}

impl FromStr for Environment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "development" => Ok(Self::Development),
            "staging" => Ok(Self::Staging),
            "production" => Ok(Self::Production),
            _ => Err(()),
        }
    }
}

impl Environment {
    /// Reads `ENVIRONMENT`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        reader.parsed("ENVIRONMENT", Self::Development, "one of development, staging, production")
    }

    /// Its name, as in `ENVIRONMENT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Text,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(()),
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// The least important level that is written.
    pub level: Level,
    /// The shape of a line.
    pub format: LogFormat,
}

impl LogConfig {
    /// Reads `LOG_LEVEL` and `LOG_FORMAT`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            level: reader.parsed("LOG_LEVEL", Level::INFO, "one of error, warn, info, debug, trace"),
            format: reader.parsed("LOG_FORMAT", LogFormat::Json, "one of json, text"),
        }
    }
}

/// Where errors are reported besides the log.
#[derive(Clone, Debug)]
pub struct SentryConfig {
    /// The address, and the key that may send there.
    pub dsn: Dsn,
    /// Where the process runs.
    pub environment: Environment,
}

impl SentryConfig {
    /// Reads `SENTRY_DSN`; `None` when errors are in the log alone.
    pub fn read(reader: &mut Reader<'_>, environment: Environment) -> Option<Self> {
        let Ok(dsn) = reader.text("SENTRY_DSN")?.parse() else {
            // Whoever has the key may send.
            reader.problem("SENTRY_DSN", "is not a DSN of Sentry, like https://<key>@<host>/<project>");
            return None;
        };
        Some(Self { dsn, environment })
    }
}

/// Where the database is, and how many connections this process may hold.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// Address and credentials, or where to find them.
    pub source: DatabaseSource,
    /// Connections of one pool at most.
    pub pool_size: u32,
}

/// Address and credentials of the database.
#[derive(Clone, Debug)]
pub enum DatabaseSource {
    /// A `postgres://` URL with everything in it.
    Url(SecretString),
    /// The address here; user name and password in Secrets Manager.
    Secret {
        /// The secret's ARN; its value is `{"username": …, "password": …}`.
        arn: String,
        /// Host name.
        host: String,
        /// Port.
        port: u16,
        /// Database name.
        name: String,
    },
}

impl DatabaseConfig {
    /// Reads `DATABASE_URL`, or `DATABASE_SECRET_ARN` with host, port and name; and `DATABASE_POOL_SIZE`.
    pub fn read(reader: &mut Reader<'_>, default_pool_size: u32) -> Option<Self> {
        let pool_size = reader.parsed("DATABASE_POOL_SIZE", default_pool_size, "a number of connections");
        if pool_size == 0 {
            reader.problem("DATABASE_POOL_SIZE", "is 0, but at least one connection is needed");
        }
        let source = match (reader.text("DATABASE_URL"), reader.text("DATABASE_SECRET_ARN")) {
            (Some(url), _) => {
                // sqlx takes any scheme.
                let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
                if !is_postgres || PgConnectOptions::from_str(&url).is_err() {
                    // The value holds a password: it is not repeated.
                    reader.problem("DATABASE_URL", "is not a URL like postgres://user:password@host:5432/database");
                }
                DatabaseSource::Url(url.into())
            }
            (None, Some(arn)) => DatabaseSource::Secret {
                arn,
                host: reader.required("DATABASE_HOST")?,
                port: reader.parsed("DATABASE_PORT", 5432, "a port number"),
                name: reader.required("DATABASE_NAME")?,
            },
            (None, None) => {
                reader.problem("DATABASE_URL", "is not set, and neither is DATABASE_SECRET_ARN");
                return None;
            }
        };
        Some(Self { source, pool_size })
    }
}

/// How workers are told of jobs.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// The SQS queue; PostgreSQL's NOTIFY when there is none.
    pub url: Option<String>,
}

impl QueueConfig {
    /// Reads `QUEUE_URL`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let url = reader.text("QUEUE_URL");
        if url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            reader.problem(
                "QUEUE_URL",
                "is not a URL of an SQS queue, like https://sqs.<region>.amazonaws.com/<account>/<name>",
            );
        }
        Self { url }
    }
}

/// Where finished exports and files to import are kept.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// A bucket or a folder.
    pub source: StorageSource,
}

/// A bucket or a folder.
#[derive(Clone, Debug)]
pub enum StorageSource {
    /// The name of an S3 bucket.
    Bucket(String),
    /// A folder of this machine.
    Folder(PathBuf),
}

impl StorageConfig {
    /// Reads `EXPORT_BUCKET`, else `EXPORT_DIR`.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(bucket) = reader.text("EXPORT_BUCKET") {
            return Some(Self { source: StorageSource::Bucket(bucket) });
        }
        let Some(folder) = reader.text("EXPORT_DIR") else {
            reader.problem("EXPORT_DIR", "is not set, and neither is EXPORT_BUCKET");
            return None;
        };
        Some(Self { source: StorageSource::Folder(folder.into()) })
    }
}
