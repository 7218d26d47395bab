//! A PostgreSQL that a run may break, a proxy in front of it, and a database that keeps a history of every job.

use crate::support::pg_proxy::PgProxy;
use crate::support::postgres;
use local_postgres::Server;
use shared::db::Db;
use shared::migrations::MIGRATOR;
use sqlx::{Connection as _, PgConnection};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Rows that effects are counted in.
pub const SLOTS: i32 = 32;

/// How long a server that was broken may take to answer again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the run's effects are kept, what was meant to be written, and what happened to each row of `jobs`.
const TABLES: &str = "
    create table if not exists effects (job_id uuid not null, epoch int not null);
    create table slots (id int primary key, value bigint not null);
    insert into slots select number, 0 from generate_series(0, 31) as number;
    create table wanted (job_id uuid primary key);
    create table called_off (job_id uuid not null, answer text not null);

    create table transitions (
        job_id uuid not null, from_state text not null, to_state text not null, from_epoch int not null,
        to_epoch int not null, from_attempt int not null, to_attempt int not null, was_finished boolean not null,
        at timestamptz not null default clock_timestamp()
    );
    create function note_transition() returns trigger language plpgsql as $$
    begin
        insert into transitions values (
            new.id, old.state, new.state, old.epoch, new.epoch, old.attempt, new.attempt, old.finished_at is not null
        );
        return null;
    end $$;
    create trigger note_transition after update on jobs for each row
    when (
        old.state <> new.state or old.epoch <> new.epoch or old.attempt <> new.attempt
        or old.finished_at is not null and old.* is distinct from new.*
    )
    execute function note_transition();

    -- The product's periodic jobs are not due during a run.
    create function put_off() returns trigger language plpgsql as $$
    begin
        new.next_at := '2999-01-01';
        return new;
    end $$;
    create trigger put_off before insert on schedules for each row execute function put_off();

    do $$ begin execute format('alter database %I set deadlock_timeout = ''50ms''', current_database()); end $$;
";

/// What a run happens on.
pub struct Stage {
    /// Breaks connections and holds up statements.
    pub proxy: PgProxy,
    server: Server,
    exports: TempDir,
}

impl Stage {
    /// Starts a server with an empty, migrated database that has the run's tables.
    pub async fn new() -> Self {
        let server = postgres::start(200).await;
        let mut db = postgres::connect(&server.url("postgres")).await;
        postgres::run(&mut db, "create database chaos").await;
        let mut db = postgres::connect(&server.url("chaos")).await;
        MIGRATOR.run(&mut db).await.unwrap();
        prepare(&mut db).await;
        let proxy = PgProxy::start(SocketAddr::from(([127, 0, 0, 1], server.port()))).await;
        Self { proxy, server, exports: TempDir::new().unwrap() }
    }

    /// The variables of a process that works on it, through the proxy.
    pub fn environment(&self) -> Vec<(String, String)> {
        let exports = self.exports.path().to_str().unwrap().to_owned();
        vec![("DATABASE_URL".to_owned(), self.proxied()), ("EXPORT_DIR".to_owned(), exports)]
    }

    /// The folder of the exports.
    pub fn exports(&self) -> &Path {
        self.exports.path()
    }

    /// A handle of the functions, through the proxy.
    pub fn handle(&self) -> Db {
        postgres::handle(&self.proxied(), 8)
    }

    fn proxied(&self) -> String {
        self.proxy.url(&self.url())
    }

    /// The database's URL, past the proxy.
    pub fn url(&self) -> String {
        self.server.url("chaos")
    }

    /// Crashes the server, and starts it again after a pause: nothing was written down.
    pub async fn crash(&mut self, pause: Duration) {
        self.server.kill().await.unwrap();
        tokio::time::sleep(pause).await;
        self.start_again().await;
    }

    /// Stops the server as an administrator does who is in a hurry ("fast"), and starts it again after a pause.
    pub async fn restart(&mut self, pause: Duration) {
        let pid_file = Path::new(self.server.log_file()).with_extension("").join("postmaster.pid");
        let pid = std::fs::read_to_string(pid_file).unwrap().lines().next().unwrap().to_owned();
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
        while self.server.is_running() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(pause).await;
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        self.server.start_again().await.unwrap();
        connect(&self.url()).await;
    }
}

/// Makes the run's tables.
pub async fn prepare(db: &mut PgConnection) {
    sqlx::raw_sql(TABLES).execute(db).await.unwrap();
}

/// Connects past the proxy; waits for a server that is starting up.
pub async fn connect(url: &str) -> PgConnection {
    let connecting = async {
        loop {
            match PgConnection::connect(url).await {
                Ok(connection) => return connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, connecting).await.expect("the server answers again")
}
