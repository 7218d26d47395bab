//! Applying migrations, over a connection that may take its time.

use serde::Serialize;
use shared::db::{Db, DbError};
use shared::migrations::MIGRATOR;
use sqlx::migrate::Migrate as _;
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};

/// How long a database that does not answer yet is waited for: one that sleeps needs up to half a minute.
const PATIENCE: Duration = Duration::from_secs(45);

/// The pause between two tries to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be reached.
    #[error("the database cannot be reached")]
    Db(#[from] DbError),
    /// A migration failed; the ones before it stay applied.
    #[error("a migration failed")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// What was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Applied {
    /// Migrations that this call applied.
    pub applied: usize,
    /// The latest migration of this build.
    pub version: i64,
}

/// Brings the schema up to date. Several at once are safe: they take turns.
///
/// # Errors
/// When the database cannot be reached in time, or a migration fails.
pub async fn apply(db: &Db) -> Result<Applied, MigrateError> {
    let mut connection = connect(db).await?;
    // The migrator's own lock, taken early so that what others apply is not counted as ours. The session may take it
    // twice, and ends with this function.
    connection.lock().await?;
    let before = applied(&mut connection).await?;
    MIGRATOR.run(&mut connection).await?;
    let after = applied(&mut connection).await?;
    let done = Applied { applied: after.saturating_sub(before), version: latest() };
    if done.applied > 0 {
        tracing::info!(schema.version = done.version, "{} migrations were applied", done.applied);
    }
    // Everything is committed; a connection that fails to say goodbye changes nothing.
    let _closed = connection.close().await;
    Ok(done)
}

/// Connects without the pool, whose time limits are made for requests, not for migrations.
async fn connect(db: &Db) -> Result<PgConnection, DbError> {
    let started = Instant::now();
    loop {
        let options = db.connect_options().await?.options([("statement_timeout", "0"), ("lock_timeout", "0")]);
        match PgConnection::connect_with(&options).await.map_err(DbError::from) {
            Err(error) if error.is_unavailable() && started.elapsed() < PATIENCE => {
                tracing::warn!(error = %error, "The database does not answer yet");
                tokio::time::sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

async fn applied(connection: &mut PgConnection) -> Result<usize, DbError> {
    let table: Option<String> =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations')::text").fetch_one(&mut *connection).await?;
    if table.is_none() {
        return Ok(0);
    }
    let count: i64 =
        sqlx::query_scalar("select count(*) from _sqlx_migrations where success").fetch_one(connection).await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn latest() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0)
}
