//! What a stack consists of beside its functions: a PostgreSQL, a queue, a folder of exports, a secret.

use crate::chaos::queue::Queue;
use crate::chaos::tally::Tally;
use crate::support::postgres;
use ::api::{SigningKeys, SigningSource};
use local_postgres::Server;
use shared::clock::Clock;
use shared::ids::OwnerId;
use shared::secrets::Secrets;
use shared::users;
use sqlx::PgConnection;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// What signs tokens.
pub const SECRET: &str = "a secret of rehearsals, long enough for HS256";

/// A stack without functions.
pub struct Stage {
    /// Delivers what functions send.
    pub queue: Queue,
    server: Server,
    exports: TempDir,
}

impl Stage {
    /// Starts a server with an empty database, and a queue that loses nothing.
    pub async fn new(max_connections: u16, tally: &Tally) -> Self {
        let server = postgres::start(max_connections).await;
        let mut db = postgres::connect(&server.url("postgres")).await;
        postgres::run(&mut db, "create database errand").await;
        let queue = Queue::start(fastrand::Rng::new(), tally.clone()).await;
        queue.be_faithful();
        Self { queue, server, exports: TempDir::new().unwrap() }
    }

    /// The variables of a function, with the database and the secret in plain sight.
    pub fn environment(&self) -> Vec<(String, String)> {
        let variables =
            [("DATABASE_URL", self.url()), ("EXPORT_DIR", self.folder()), ("SECRET_KEY", SECRET.to_owned())];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        self.queue.environment().into_iter().chain(variables).collect()
    }

    /// The port of the database.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The folder of the exports.
    pub fn folder(&self) -> String {
        self.exports.path().to_str().unwrap().to_owned()
    }

    /// Where an export is.
    pub fn export(&self, key: &str) -> PathBuf {
        self.exports.path().join(key)
    }

    /// The database's URL.
    pub fn url(&self) -> String {
        self.server.url("errand")
    }

    /// Connects to the database.
    pub async fn db(&self) -> PgConnection {
        postgres::connect(&self.url()).await
    }

    /// Makes an account.
    pub async fn account(&self) -> OwnerId {
        let owner = OwnerId::new();
        let now = Clock::default().now();
        users::create(&mut self.db().await, owner, &format!("{owner}@example.com"), "none", now).await.unwrap();
        owner
    }
}

/// Counts the connections of functions.
pub async fn connections(db: &mut PgConnection) -> u32 {
    let count = "select count(*)::int from pg_stat_activity where application_name = 'errand'";
    let count: i32 = sqlx::query_scalar(count).fetch_one(db).await.unwrap();
    count.unsigned_abs()
}

/// A token as if it had been issued so much later.
pub async fn token(owner: OwnerId, later: chrono::TimeDelta) -> String {
    let keys = SigningKeys::new(SigningSource::Key(SECRET.into()), Secrets::new(Arc::default()));
    keys.issue(owner, Clock::default().now() + later).await.unwrap()
}
