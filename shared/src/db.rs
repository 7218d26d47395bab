//! The database: a small pool that is built when it is first used, with credentials that may change under it.

mod failure;

pub use failure::{constraint, is_unavailable};

use crate::config::{DatabaseConfig, DatabaseSource};
use crate::secrets::{Secrets, SecretsError, Stage};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, PgPool, Postgres, Transaction};
use std::future::Future;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// A transaction on a connection of the pool; rolled back when it is dropped.
pub type Tx = Transaction<'static, Postgres>;

/// The certificate authorities of RDS, which the public trust stores lack.
const RDS_ROOTS: &[u8] = include_bytes!("db/rds-global-bundle.pem");

/// A connection that idled longer than this is asked whether it still lives before it is used: the server, a proxy or
/// a frozen sandbox may have lost it. Fresher ones are not asked, which saves a round trip on each request.
const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(30);

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
    pool: OnceCell<PgPool>,
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
        Self { inner: Arc::new(Inner { config, secrets, pool: OnceCell::new() }) }
    }

    /// Makes a second handle with a pool of its own, for statements that must never wait for the first pool's users.
    #[must_use]
    pub fn beside(&self, pool_size: u32) -> Self {
        let config = DatabaseConfig { pool_size, ..self.inner.config.clone() };
        Self::new(config, self.inner.secrets.clone())
    }

    /// Takes a connection from the pool. When the password was changed, the secret is read again and the connection
    /// tried once more.
    ///
    /// # Errors
    /// When the credentials cannot be read or no connection can be had in time.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, DbError> {
        let pool = self.pool().await?;
        match pool.acquire().await {
            Err(error) if failure::is_authentication(&error) => {
                if let DatabaseSource::Secret { arn, .. } = &self.inner.config.source {
                    self.inner.secrets.forget(arn).await;
                    pool.set_connect_options(self.connect_options().await?);
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
        Ok(Transaction::begin(connection, None).await?)
    }

    /// Waits until every connection is back in the pool, so that dropped transactions are rolled back before the
    /// sandbox freezes; gives up after a second.
    pub async fn settle(&self) {
        let Some(pool) = self.inner.pool.get() else { return };
        let all_back = async {
            while pool.num_idle() < pool.size() as usize {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(1), all_back).await.is_err() {
            tracing::warn!(
                "Connections are still in use at the end of a batch, their transactions may stay open until they time out"
            );
        }
    }

    /// Closes the pool's connections.
    pub async fn close(&self) {
        if let Some(pool) = self.inner.pool.get() {
            pool.close().await;
        }
    }

    /// Returns how to connect without the pool, for what needs a connection of its own kind.
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
                PgConnectOptions::new_without_pgpass()
                    .host(host)
                    .port(*port)
                    .database(name)
                    .username(&credentials.username)
                    .password(credentials.password.expose_secret())
                    .ssl_mode(PgSslMode::VerifyFull)
                    .ssl_root_cert_from_pem(RDS_ROOTS.to_vec())
            }
        };
        // All below the longest lease (see `jobs`): the locks of a process that vanished are gone when its jobs are
        // rescued. Shorter leases are kept by the fence alone.
        Ok(options
            .application_name("errand")
            .options([
                ("statement_timeout", "20s"),
                ("lock_timeout", "5s"),
                ("idle_in_transaction_session_timeout", "30s"),
                ("tcp_keepalives_idle", "10"),
                ("tcp_keepalives_interval", "5"),
                ("tcp_keepalives_count", "3"),
            ])
            .disable_statement_logging())
    }

    async fn pool(&self) -> Result<&PgPool, DbError> {
        self.inner
            .pool
            .get_or_try_init(|| async {
                Ok(PgPoolOptions::new()
                    .max_connections(self.inner.config.pool_size)
                    .acquire_timeout(Duration::from_secs(4))
                    .test_before_acquire(false)
                    .before_acquire(|connection, meta| {
                        Box::pin(async move {
                            if meta.idle_for > TRUSTED_IDLE_TIME {
                                connection.ping().await?;
                            }
                            Ok(true)
                        })
                    })
                    .connect_lazy_with(self.connect_options().await?))
            })
            .await
    }
}
