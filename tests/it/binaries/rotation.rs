//! Rotation under load: clients and jobs on real functions and on a standalone host, while the passwords and the signing key
//! that they use are replaced. Nobody may notice.

use super::{enqueue_export, sample};
use crate::hosts::{Client, Errand, state_folder};
use crate::support::binaries;
use crate::support::moto::{Moto, moto};
use crate::support::postgres;
use crate::support::rds::{Database, MASTER, MASTER_PASSWORD, Rds, rds};
use crate::support::rotation::{STEPS, Secret};
use crate::support::runtime_api::Sandbox;
use ::api::{SigningKeys, SigningSource};
use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::ids::{JobId, OwnerId};
use shared::secrets::Secrets;
use shared::users;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tempfile::TempDir;

/// Sandboxes of the API, each with one client.
const CLIENTS: usize = 3;

/// How often a sandbox is used before the client gets another, as when Lambda scales.
const REQUESTS: usize = 20;

/// Rotations of the password; the second one and those after it take a password away.
const ROTATIONS: usize = 4;

/// More connections than any function has on AWS, so that there are new ones to open after each rotation.
const POOL: &str = "30";

/// The stack as the template makes it.
struct Stack {
    database: Database,
    app: Secret<'static>,
    signing: Secret<'static>,
    master: Secret<'static>,
    rds: &'static Rds,
    moto: &'static Moto,
    exports: TempDir,
}

/// What clients got.
#[derive(Default)]
struct Tally {
    succeeded: AtomicUsize,
    failures: std::sync::Mutex<Vec<String>>,
}

impl Stack {
    async fn new() -> Option<Self> {
        let (moto, rds) = (moto().await?, rds());
        let database = rds.database().await;
        let app = Secret::of_app(moto, &database.name, "generated").await;
        let signing = Secret::new(moto, &format!("signing-{}", database.name), &"x".repeat(64)).await;
        let master = json!({ "username": MASTER, "password": MASTER_PASSWORD }).to_string();
        let master = Secret::new(moto, &format!("master-{}", database.name), &master).await;
        Some(Self { database, app, signing, master, rds, moto, exports: TempDir::new().unwrap() })
    }

    /// The variables of a function, as the template sets them.
    fn variables(&self, function: &str) -> BTreeMap<String, String> {
        let database = if function == "migrate" { &self.master } else { &self.app };
        let mut variables: BTreeMap<String, String> = self.moto.environment().into_iter().collect();
        let port = self.rds.port().to_string();
        let exports = self.exports.path().to_str().unwrap().to_owned();
        for (name, value) in [
            ("DATABASE_SECRET_ARN", database.arn.as_str()),
            ("DATABASE_HOST", "127.0.0.1"),
            ("DATABASE_PORT", &port),
            ("DATABASE_NAME", &self.database.name),
            ("SIGNING_SECRET_ARN", &self.signing.arn),
            ("EXPORT_DIR", &exports),
            // Whose certificates are trusted, besides those of RDS.
            ("SSL_CERT_FILE", &self.rds.certificate()),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
        match function {
            "migrate" => variables.insert("APP_SECRET_ARN".to_owned(), self.app.arn.clone()),
            "worker" | "errand" => variables.insert("DATABASE_POOL_SIZE".to_owned(), POOL.to_owned()),
            _ => None,
        };
        variables
    }

    async fn start(&self, function: &str) -> Sandbox {
        let variables = self.variables(function);
        Sandbox::start(&binaries::path(function), &borrowed(&variables)).await
    }

    /// Signs tokens as a function would that has just started.
    async fn token(&self, account: OwnerId) -> String {
        let secrets = Secrets::new(Arc::new(Sdk::from(self.moto.config())));
        let keys = SigningKeys::new(SigningSource::Secret(self.signing.arn.clone()), secrets);
        keys.issue(account, Clock::default().now()).await.unwrap()
    }

    async fn account(&self) -> OwnerId {
        let (id, now) = (OwnerId::new(), Clock::default().now());
        let mut db = postgres::connect(&self.database.url).await;
        users::create(&mut db, id, &format!("{id}@example.com"), "none", now).await.unwrap();
        id
    }

    /// How often somebody came with a password that was no longer the right one.
    fn refused(&self) -> usize {
        let log = std::fs::read_to_string(self.rds.log()).unwrap();
        let role = format!("password authentication failed for user \"{}_app_", self.database.name);
        log.matches(&role).count()
    }
}

impl Tally {
    fn note(&self, what: &str, is_right: bool, answer: impl FnOnce() -> String) {
        if is_right {
            self.succeeded.fetch_add(1, Ordering::Relaxed);
        } else {
            self.failures.lock().unwrap().push(format!("{what}: {}", answer()));
        }
    }

    /// The first failures.
    fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap().iter().take(3).cloned().collect()
    }

    fn succeeded(&self) -> usize {
        self.succeeded.load(Ordering::Relaxed)
    }
}

fn borrowed(variables: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Rotates once, in the real function.
async fn rotate(migrate: &mut Sandbox, secret: &Secret<'_>) {
    let version = secret.begin().await;
    for step in STEPS {
        let done = migrate.invoke(&secret.event(step, &version)).await.answer();
        assert_eq!(done, json!({ "done": true }), "{step}");
    }
    secret.end(&version).await;
}

/// What API Gateway sends.
fn request(method: &str, path: &str, token: &str, body: Option<Value>) -> Value {
    let mut event = sample("api-register.json");
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    event["requestContext"]["http"]["method"] = json!(method);
    event["headers"]["authorization"] = json!(format!("Bearer {token}"));
    event["body"] = json!(body.map(|body| body.to_string()));
    event
}

/// Sends requests until it is told to stop.
async fn client(stack: &Stack, tally: &Tally, stop: &AtomicBool) {
    let account = stack.account().await;
    let token = stack.token(account).await;
    while !stop.load(Ordering::Relaxed) {
        let mut api = stack.start("api").await;
        let export = request("POST", "/v1/exports", &token, Some(json!({ "format": "csv" })));
        let answer = api.invoke(&export).await.answer();
        tally.note("an export", answer["statusCode"] == 202, || answer.to_string());
        for _ in 0..REQUESTS {
            for (method, path, body, status) in [
                ("POST", "/v1/tasks", Some(json!({ "title": "Water the plants" })), 201),
                ("GET", "/v1/tasks?limit=5", None, 200),
            ] {
                let answer = api.invoke(&request(method, path, &token, body)).await.answer();
                tally.note(path, answer["statusCode"] == status, || answer.to_string());
            }
        }
    }
}

/// Hands the worker a batch of jobs that run side by side, each on a connection of its own.
async fn batch(stack: &Stack, worker: &mut Sandbox, size: usize) -> Vec<JobId> {
    let owner = stack.account().await;
    let mut db = postgres::connect(&stack.database.url).await;
    let mut jobs = Vec::new();
    for _ in 0..size {
        jobs.push(enqueue_export(&mut db, owner).await);
    }
    let records = jobs.iter().map(|job| json!({ "messageId": job, "body": json!({ "job": job }).to_string() }));
    let event = json!({ "Records": records.collect::<Vec<_>>() });
    assert_eq!(worker.invoke(&event).await.answer(), json!({ "batchItemFailures": [] }));
    jobs
}

/// Sends as many requests at once, each of which wants a connection.
async fn crowd(host: &Client, tally: &Tally, size: usize) {
    let answers = join_all((0..size).map(|_| host.send(Method::GET, "/v1/tasks?limit=5", None))).await;
    for answer in answers {
        let answer = answer.unwrap();
        tally.note("a crowd", answer.status == 200, || String::from_utf8_lossy(&answer.body).into_owned());
    }
}

/// From the second rotation on a password that a process has cached is no longer right when it wants one more connection: it
/// is refused, reads the secret again and goes on.
#[tokio::test]
async fn no_request_and_no_job_fails_while_the_password_rotates() {
    let Some(stack) = Stack::new().await else { return };
    let mut migrate = stack.start("migrate").await;
    migrate.invoke(&json!({})).await.answer();
    let folder = state_folder();
    let host = Errand::up(folder.path(), &borrowed(&stack.variables("errand"))).await;
    let ada = Client::new(host.address(), "ada@example.com").await;
    let (tally, stop) = (Tally::default(), AtomicBool::new(false));
    let clients = join_all((0..CLIENTS).map(|_| client(&stack, &tally, &stop)));
    let work = async {
        let mut worker = stack.start("worker").await;
        let mut jobs = batch(&stack, &mut worker, 1).await;
        for turn in 1..=ROTATIONS {
            rotate(&mut migrate, &stack.app).await;
            crowd(&ada, &tally, 2 * turn).await;
            jobs.extend(batch(&stack, &mut worker, 2 * turn).await);
        }
        stop.store(true, Ordering::Relaxed);
        jobs
    };

    let (jobs, _) = tokio::join!(work, clients);

    assert_eq!(tally.failures(), [""; 0], "{} others succeeded", tally.succeeded());
    assert!(tally.succeeded() > 100, "{} requests are no load", tally.succeeded());
    let mut db = postgres::connect(&stack.database.url).await;
    let ended = "select count(*) from jobs where id = any($1) and state = 'succeeded' and attempt = 1";
    let ended: i64 = sqlx::query_scalar(ended).bind(&jobs).fetch_one(&mut db).await.unwrap();
    assert_eq!(usize::try_from(ended).unwrap(), jobs.len());
    let failed = "select errors::text from jobs where errors <> '[]'";
    assert_eq!(sqlx::query_scalar::<_, String>(failed).fetch_all(&mut db).await.unwrap(), [""; 0]);
    assert!(stack.refused() > ROTATIONS / 2, "nobody came with an old password: {}", stack.refused());
    host.stop().await;
}

/// Tokens of before, from functions that know the key of before, and new ones, which reach them at once.
#[tokio::test]
async fn no_request_fails_while_the_signing_key_rotates() {
    let Some(stack) = Stack::new().await else { return };
    let mut migrate = stack.start("migrate").await;
    migrate.invoke(&json!({})).await.answer();
    let account = stack.account().await;
    let before = stack.token(account).await;
    let mut functions = [stack.start("api").await, stack.start("api").await];
    for api in &mut functions {
        let answer = api.invoke(&request("GET", "/v1/tasks", &before, None)).await.answer();
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
    let (tally, stop) = (Tally::default(), AtomicBool::new(false));
    let clients = join_all((0..CLIENTS).map(|_| client(&stack, &tally, &stop)));
    let work = async {
        rotate(&mut migrate, &stack.signing).await;
        let after = stack.token(account).await;
        assert_ne!(before.split('.').next(), after.split('.').next(), "the header names the key");
        let [warm, other] = &mut functions;
        for api in [warm, other, &mut stack.start("api").await] {
            for token in [&after, &before, &after] {
                let answer = api.invoke(&request("GET", "/v1/tasks", token, None)).await.answer();
                tally.note("a token", answer["statusCode"] == 200, || answer.to_string());
            }
        }
        stop.store(true, Ordering::Relaxed);
    };

    tokio::join!(work, clients);

    assert_eq!(tally.failures(), [""; 0], "{} others succeeded", tally.succeeded());
}
