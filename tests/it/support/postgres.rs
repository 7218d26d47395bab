//! One throwaway PostgreSQL for the run, and a database of its own for each test, cloned from a migrated template.

use local_postgres::{Options, Search, Server};
use shared::config::{DatabaseConfig, DatabaseSource};
use shared::db::Db;
use shared::migrations::MIGRATOR;
use shared::secrets::Secrets;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

const TEMPLATE: &str = "template_errand";

/// Returns the server of this run, started by whoever asks first. It ends with the process.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        // A runtime that outlives the test that came first.
        let start = std::thread::spawn(|| {
            let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
            runtime.block_on(async {
                let server = start(200).await;
                let mut connection = connect(&server.url("postgres")).await;
                run(&mut connection, &format!("create database {TEMPLATE}")).await;
                let mut template = connect(&server.url(TEMPLATE)).await;
                MIGRATOR.run(&mut template).await.unwrap();
                run(&mut template, "create table effects (job_id uuid not null, epoch int not null)").await;
                template.close().await.unwrap();
                server
            })
        });
        start.join().unwrap()
    })
}

/// Starts a server that a test may break.
pub async fn start(max_connections: u16) -> Server {
    Server::start(Options { max_connections, ..options() }).await.unwrap()
}

/// Starts a server of a copy of another's files, taken while that one was down as after a power cut; it is up again then.
pub async fn start_copy(server: &mut Server) -> Server {
    let folder = sqlx::query_scalar::<_, String>("show data_directory");
    let folder = folder.fetch_one(&mut connect(&server.url("postgres")).await).await.unwrap();
    let options = options();
    server.kill().await.unwrap();
    let copied = Command::new("cp").arg("-a").arg(format!("{folder}/.")).arg(&options.data_dir).status().unwrap();
    assert!(copied.success());
    server.start_again().await.unwrap();
    Server::start(options).await.unwrap()
}

fn options() -> Options {
    #[expect(clippy::disallowed_methods, reason = "tests look for PostgreSQL where the developer's shell does")]
    let search = Search::from_environment(|name| std::env::var(name).ok());
    Options::throwaway(&std::env::temp_dir(), search).unwrap()
}

/// Makes an empty, migrated database and returns its URL.
pub async fn database() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let server = server();
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = connect(&server.url("postgres")).await;
    run(&mut connection, &format!("create database {name} template {TEMPLATE}")).await;
    connection.close().await.unwrap();
    server.url(&name)
}

/// Connects to a database, apart from every pool.
pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// Runs a statement that a test makes up.
pub async fn run(connection: &mut PgConnection, statement: &str) {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.unwrap();
}

/// Makes a handle of the functions to a database.
pub fn handle(url: &str, pool_size: u32) -> Db {
    let config = DatabaseConfig { source: DatabaseSource::Url(url.into()), pool_size };
    Db::new(config, Secrets::new(Arc::default()))
}
