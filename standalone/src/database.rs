//! The database: the one that `DATABASE_URL` names, or a PostgreSQL of our own in the state folder.

use crate::settings::set;
use crate::state_dir::{self, StateDir};
use anyhow::bail;
use local_postgres::{Options, Search, Server};
use shared::aws::Sdk;
use shared::config::{self, DatabaseConfig};
use shared::db::Db;
use shared::secrets::Secrets;
use sqlx::{Connection as _, PgConnection};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The name of the database that is made in a server of our own.
const NAME: &str = "errand";

/// The oldest PostgreSQL whose statements are known to work, as `server_version_num`.
const OLDEST_VERSION: i32 = 150_000;

/// How long a database may take to answer at the start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts a server of our own, with a database in it.
pub(crate) async fn start(
    state: &StateDir,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> anyhow::Result<Server> {
    let search = Search { download_to: Some(state.downloads()), ..Search::from_environment(lookup) };
    let server = Server::start(Options::durable(state.postgres(), search)).await?;
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    let exists: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
        .bind(NAME)
        .fetch_optional(&mut connection)
        .await?;
    if exists.is_none() {
        sqlx::query("create database errand").execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(server)
}

/// The URL of the database in a server of our own.
pub(crate) fn url(server: &Server) -> String {
    server.url(NAME)
}

/// Finds a database that is there already, for a command that only looks: the one that the environment names, or that of
/// the `errand` that runs on the state folder.
pub(crate) async fn existing(
    state: Option<PathBuf>,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> anyhow::Result<Db> {
    let given = ["DATABASE_URL", "DATABASE_SECRET_ARN"].iter().any(|name| set(lookup, name).is_some());
    let mut running = None;
    if !given {
        let folder = state_dir::chosen(state, lookup);
        running = local_postgres::running(&state_dir::postgres(&folder), NAME).await;
        if running.is_none() {
            bail!(
                "no errand runs on the state folder {}: start one, name another folder with --state, or a database in \
                 DATABASE_URL",
                folder.display()
            );
        }
    }
    let lookup = |name: &str| set(lookup, name).or_else(|| running.clone().filter(|_| name == "DATABASE_URL"));
    let config = config::load(&lookup, |reader| DatabaseConfig::read(reader, 1))?;
    Ok(Db::new(config, Secrets::new(Arc::new(Sdk::default()))))
}

/// Checks the server's version and brings the schema up to date.
pub(crate) async fn prepare(config: DatabaseConfig) -> anyhow::Result<()> {
    let db = Db::new(config, Secrets::new(Arc::new(Sdk::default())));
    match connect(&db).await? {
        Ok(connection) => check_and_migrate(&db, connection).await,
        Err(why) => bail!(
            "the database cannot be used: {why}\n\
             Start it, or correct DATABASE_URL. Without DATABASE_URL, Errand runs a PostgreSQL of its own."
        ),
    }
}

/// Connects without a pool, which would not say why it cannot. The inner error is that of the connection, in words.
pub(crate) async fn connect(db: &Db) -> anyhow::Result<Result<PgConnection, String>> {
    let options = db.connect_options().await?;
    let connecting = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options));
    Ok(match connecting.await {
        Ok(Ok(connection)) => Ok(connection),
        // Its source says the same again.
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it does not answer within {} s", PATIENCE.as_secs())),
    })
}

async fn check_and_migrate(db: &Db, mut connection: PgConnection) -> anyhow::Result<()> {
    let version: i32 =
        sqlx::query_scalar("select current_setting('server_version_num')::int").fetch_one(&mut connection).await?;
    anyhow::ensure!(
        version >= OLDEST_VERSION,
        "the database runs PostgreSQL {}, and Errand needs 15 or later: upgrade it, or name another one in DATABASE_URL",
        version / 10_000,
    );
    connection.close().await?;
    migrate::apply(db).await?;
    Ok(())
}
