//! Applying migrations, over a connection that may take its time.

use crate::credentials::Credentials;
use crate::roles::{self, Roles, RolesError};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use shared::db::{Db, DbError};
use shared::migrations::MIGRATOR;
use sqlx::migrate::{Migrate as _, Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use std::collections::HashMap;
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
    /// The roles could not be made, or not be given what they need.
    #[error("the roles of the database could not be brought up to date")]
    Roles(#[from] RolesError),
}

/// What was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Applied {
    /// Migrations that this call applied.
    pub applied: usize,
    /// The latest migration of this build.
    pub version: i64,
}

/// Brings the schema up to date, as the role that connects. Several at once are safe: they take turns.
///
/// # Errors
/// When the database cannot be reached in time, or a migration fails.
pub async fn apply(db: &Db) -> Result<Applied, MigrateError> {
    let mut connection = connect_alone(db).await?;
    let done = run(&mut connection, &MIGRATOR).await?;
    // Everything is committed; a connection that fails to say goodbye changes nothing.
    let _closed = connection.close().await;
    Ok(done)
}

/// Brings roles and schema up to date: what is in the database belongs to an owner that nobody logs in as, and the
/// application's roles may use it. None of them can log in before it is given a password.
///
/// # Errors
/// When the database cannot be reached in time, a migration fails, or the role that connects may not make roles.
pub async fn apply_with_roles(db: &Db) -> Result<Applied, MigrateError> {
    let mut connection = connect_alone(db).await?;
    let roles = Roles::here(&mut connection).await?;
    roles::prepare(&mut connection, &roles).await?;
    roles::become_owner(&mut connection, &roles).await?;
    let done = run(&mut connection, &MIGRATOR).await?;
    roles::grant(&mut connection, &roles).await?;
    let _closed = connection.close().await;
    Ok(done)
}

/// Takes away what only older releases need, once the schema is up to date; with roles, as the owner of what is there.
///
/// # Errors
/// As [`apply`] and [`apply_with_roles`].
pub async fn contract(db: &Db, contractions: &Migrator, has_roles: bool) -> Result<Applied, MigrateError> {
    let mut connection = connect_alone(db).await?;
    if has_roles {
        let roles = Roles::here(&mut connection).await?;
        roles::become_owner(&mut connection, &roles).await?;
    }
    run(&mut connection, &MIGRATOR).await?;
    let done = run(&mut connection, contractions).await?;
    let _closed = connection.close().await;
    Ok(done)
}

/// Connects and takes the migrator's own lock, early so that what others apply is not counted as ours. The session may take
/// it twice, and keeps it until its end.
pub(crate) async fn connect_alone(db: &Db) -> Result<PgConnection, MigrateError> {
    let mut connection = connect(db).await?;
    connection.lock().await?;
    Ok(connection)
}

/// Where nothing is missing nothing is asked of the migrator, which would want to make its table: an application's role may
/// look, and start on a schema that is up to date.
async fn run(connection: &mut PgConnection, migrator: &Migrator) -> Result<Applied, MigrateError> {
    let before = applied(connection).await?;
    let is_applied = |migration: &Migration| before.get(&migration.version) == Some(&migration.checksum.to_vec());
    let mut done = Applied { applied: 0, version: latest(migrator) };
    if migrator.iter().all(is_applied) {
        return Ok(done);
    }
    migrator.run(&mut *connection).await?;
    done.applied = applied(connection).await?.len().saturating_sub(before.len());
    if done.applied > 0 {
        tracing::info!(schema.version = done.version, "{} migrations were applied", done.applied);
    }
    Ok(done)
}

/// Connects without the pool, whose time limits are made for requests, not for migrations.
pub(crate) async fn connect(db: &Db) -> Result<PgConnection, DbError> {
    patiently(async || Ok(db.connect_options().await?.options([("statement_timeout", "0"), ("lock_timeout", "0")])))
        .await
}

/// Connects as another role.
pub(crate) async fn connect_as(db: &Db, login: &Credentials) -> Result<PgConnection, DbError> {
    patiently(async || {
        let options = db.connect_options().await?;
        Ok(options.username(&login.username).password(login.password.expose_secret()))
    })
    .await
}

async fn patiently(options: impl AsyncFn() -> Result<PgConnectOptions, DbError>) -> Result<PgConnection, DbError> {
    let started = Instant::now();
    loop {
        let options = options().await?;
        match PgConnection::connect_with(&options).await.map_err(DbError::from) {
            Err(error) if error.is_unavailable() && started.elapsed() < PATIENCE => {
                tracing::warn!(error = %error, "The database does not answer yet");
                tokio::time::sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

/// The checksums of the migrations that were applied, by their versions.
async fn applied(connection: &mut PgConnection) -> Result<HashMap<i64, Vec<u8>>, DbError> {
    let table: Option<String> =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations')::text").fetch_one(&mut *connection).await?;
    if table.is_none() {
        return Ok(HashMap::new());
    }
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success").fetch_all(connection).await?;
    Ok(applied.into_iter().collect())
}

fn latest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}
