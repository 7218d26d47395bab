//! Functions that share a database, a folder of exports and a secret, as the stack's functions do.

use crate::support::runtime_api::Sandbox;
use crate::support::{binaries, postgres};
use ::api::{SigningKeys, SigningSource};
use serde_json::Value;
use shared::clock::Clock;
use shared::exports::{ExportTasks, Format};
use shared::ids::{JobId, OwnerId};
use shared::jobs::{self, NewJob};
use shared::secrets::Secrets;
use shared::users;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// What signs the tokens of [`Stack::account`].
pub const SECRET: &str = "a secret of tests, long enough for HS256";

/// A stack without AWS.
pub struct Stack {
    /// The database's URL, past every proxy.
    pub url: String,
    variables: BTreeMap<String, String>,
    _exports: TempDir,
}

impl Stack {
    /// Makes a stack with an empty, migrated database.
    pub async fn new() -> Self {
        Self::on(postgres::database().await)
    }

    /// Makes a stack with this database.
    pub fn on(url: String) -> Self {
        let exports = TempDir::new().unwrap();
        let mut variables = BTreeMap::new();
        variables.insert("DATABASE_URL".to_owned(), url.clone());
        variables.insert("EXPORT_DIR".to_owned(), exports.path().to_str().unwrap().to_owned());
        variables.insert("SECRET_KEY".to_owned(), SECRET.to_owned());
        Self { url, variables, _exports: exports }
    }

    /// Sets a variable of all functions.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets variables of all functions.
    pub fn with_all(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Takes a variable away from all functions.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// The variables of all functions.
    pub fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Starts a function.
    pub async fn start(&self, function: &str) -> Sandbox {
        Sandbox::start(&binaries::path(function), &self.variables()).await
    }

    /// Connects to the database.
    pub async fn db(&self) -> PgConnection {
        postgres::connect(&self.url).await
    }

    /// Makes an account, and a token for it.
    pub async fn account(&self) -> (OwnerId, String) {
        let (id, now) = (OwnerId::new(), Clock::default().now());
        users::create(&mut self.db().await, id, &format!("{id}@example.com"), "none", now).await.unwrap();
        let keys = SigningKeys::new(SigningSource::Key(SECRET.into()), Secrets::new(Arc::default()));
        (id, keys.issue(id, now).await.unwrap())
    }

    /// Writes an export's row and tells nobody.
    pub async fn enqueue_export(&self, owner: OwnerId) -> JobId {
        enqueue_export(&mut self.db().await, owner).await
    }

    /// Reads a job's state, attempts and exports.
    pub async fn job(&self, id: JobId) -> (String, i32, i64) {
        let exports = "(select count(*) from exports where job_id = jobs.id)";
        let select = sqlx::AssertSqlSafe(format!("select state, attempt, {exports} from jobs where id = $1"));
        sqlx::query_as(select).bind(id).fetch_one(&mut self.db().await).await.unwrap()
    }
}

/// Writes an export's row and tells nobody.
pub async fn enqueue_export(db: &mut PgConnection, owner: OwnerId) -> JobId {
    let export = ExportTasks { format: Format::Csv, filter: shared::tasks::Filter::default() };
    let job = NewJob::new(&export).unwrap().owned_by(owner);
    jobs::enqueue(db, job, &Clock::default()).await.unwrap().row.id
}

/// Loads a sample event.
pub fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
