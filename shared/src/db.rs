//! The database: a small pool that is built when it is first used, with credentials that may change under it.

mod connection;
mod failure;
mod pool;
mod roots;
mod tunnel;

pub use connection::{Connection, Tx};
pub use failure::{constraint, is_unavailable};
pub use roots::rds_roots;

use crate::config::{DatabaseConfig, DatabaseSource};
use crate::secrets::{Secrets, SecretsError, Stage};
use pool::Pool;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::future::Future;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tunnel::Tunnel;

/// The time limits of each session. All are below the longest lease (see `jobs`): the locks of a process that vanished
/// are gone when its jobs are rescued. Shorter leases are kept by the fence alone.
pub const LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "20s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "30s")];

/// No connection could be had.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The credentials could not be read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The secret is not what it should be.
    #[error("the database secret {arn} is not {{\"username\": …, \"password\": …}}")]
    Secret {
        /// The secret's ARN.
        arn: String,
    },
    /// PostgreSQL refused, or could not be reached.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
}

/// A handle to the database; clones share the pool.
#[derive(Clone, Debug)]
pub struct Db {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: DatabaseConfig,
    secrets: Secrets,
    pool: OnceCell<Arc<Pool>>,
    /// Shared with the handles that were made beside.
    tunnel: Arc<OnceCell<Tunnel>>,
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: SecretString,
}

/// Limits how long database work may take: a connection whose other end has vanished would answer after many minutes.
///
/// # Errors
/// Those of the work, and an I/O error that says that the time is up.
pub async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()),
    }
}

impl Db {
    /// Makes the handle; nothing is fetched or connected before the first use.
    #[must_use]
    pub fn new(config: DatabaseConfig, secrets: Secrets) -> Self {
        Self::through(config, secrets, Arc::default())
    }

    /// Makes a second handle with a pool of its own, for statements that must never wait for the first pool's users.
    #[must_use]
    pub fn beside(&self, pool_size: u32) -> Self {
        let config = DatabaseConfig { pool_size, ..self.inner.config.clone() };
        Self::through(config, self.inner.secrets.clone(), Arc::clone(&self.inner.tunnel))
    }

    fn through(config: DatabaseConfig, secrets: Secrets, tunnel: Arc<OnceCell<Tunnel>>) -> Self {
        Self { inner: Arc::new(Inner { config, secrets, pool: OnceCell::new(), tunnel }) }
    }

    /// Takes a connection from the pool. When the password was changed, the secret is read again and the connection
    /// tried once more.
    ///
    /// # Errors
    /// When the credentials cannot be read or no connection can be had in time.
    pub async fn acquire(&self) -> Result<Connection, DbError> {
        let pool = self.pool().await?;
        match pool.acquire().await {
            Err(error) if failure::is_authentication(&error) => {
                if let DatabaseSource::Secret { arn, .. } = &self.inner.config.source {
                    self.inner.secrets.forget(arn).await;
                    pool.set_options(self.connect_options().await?);
                    return Ok(pool.acquire().await?);
                }
                Err(error.into())
            }
            other => Ok(other?),
        }
    }

    /// Starts a transaction on a connection of the pool.
    ///
    /// # Errors
    /// As [`Db::acquire`], and when PostgreSQL refuses the transaction.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let connection = self.acquire().await?;
        Ok(Tx::begin(connection).await?)
    }

    /// Waits until every connection is back in the pool, so that dropped transactions are rolled back before the
    /// sandbox freezes; gives up after a second.
    pub async fn settle(&self) {
        let Some(pool) = self.inner.pool.get() else { return };
        if !pool.settle().await {
            tracing::warn!(
                "Statements still ran at the end of a batch, their connections are closed; locks may stay until they time out"
            );
        }
    }

    /// Closes the pool's connections.
    pub async fn close(&self) {
        if let Some(pool) = self.inner.pool.get() {
            pool.close().await;
        }
    }

    /// Returns how to connect without the pool, for what needs a connection of its own kind. The way leads through this handle:
    /// keep it until there is a connection.
    ///
    /// # Errors
    /// When the credentials cannot be read.
    pub async fn connect_options(&self) -> Result<PgConnectOptions, DbError> {
        let options = match &self.inner.config.source {
            DatabaseSource::Url(url) => PgConnectOptions::from_str(url.expose_secret())?,
            DatabaseSource::Secret { arn, host, port, name } => {
                let wrong = || DbError::Secret { arn: arn.clone() };
                let secret = self.inner.secrets.get(arn, Stage::Current).await?.ok_or_else(wrong)?;
                let Ok(credentials) = serde_json::from_str::<Credentials>(secret.expose_secret()) else {
                    return Err(wrong());
                };
                let tunnel = self.inner.tunnel.get_or_try_init(async || Tunnel::start(host, *port)).await?;
                PgConnectOptions::new_without_pgpass()
                    .socket(tunnel.folder())
                    .port(*port)
                    .database(name)
                    .username(&credentials.username)
                    .password(credentials.password.expose_secret())
                    // Between this process and itself.
                    .ssl_mode(PgSslMode::Disable)
            }
        };
        Ok(options
            .application_name("errand")
            .options(LIMITS)
            .options([("tcp_keepalives_idle", "10"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3")])
            .disable_statement_logging())
    }

    async fn pool(&self) -> Result<&Arc<Pool>, DbError> {
        self.inner
            .pool
            .get_or_try_init(|| async { Ok(Pool::new(self.inner.config.pool_size, self.connect_options().await?)) })
            .await
    }
}
