//! The functions in this process, on a database of their own, with a clock that a test can move.

use super::pg_proxy::PgProxy;
use super::{Actor, Answer, Letter, mail, postgres};
use api::{AppState, HealthCache, SigningKeys, SigningSource};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use axum::Router;
use axum::body::Body;
use chrono::TimeDelta;
use http_body_util::BodyExt as _;
use scheduler::{Prober, Scheduler, Schedules, Tick, Upkeep};
use serde_json::json;
use shared::clock::Clock;
use shared::config::{StorageConfig, StorageSource};
use shared::db::Db;
use shared::ids::{JobId, OwnerId};
use shared::jobs::{
    self, End, Enqueued, NewJob, Notifier, Payload, Place, PostgresNotifier, Registry, State as JobState,
};
use shared::outbound::Outbound;
use shared::secrets::Secrets;
use shared::storage::Storage;
use shared::users;
use sqlx::{PgConnection, Row as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tower::ServiceExt as _;
use worker::{State, Worker};

/// The folder of mails, beside the exports.
const MAILS: &str = "mails";

/// Errand, for one test.
pub struct TestApp {
    /// The database's URL, for the test's own statements.
    pub url: String,
    /// The API's state.
    pub api: AppState,
    /// The worker.
    pub worker: Worker,
    /// The scheduler; without schedules, unless a test declares some.
    pub scheduler: Scheduler,
    /// The clock of all three.
    pub clock: Clock,
    router: Router,
    may_leave_jobs: bool,
    files: TempDir,
}

/// What a job's row says.
#[derive(Debug)]
pub struct Job {
    pub state: JobState,
    pub attempt: i32,
    pub epoch: i32,
    pub errors: Vec<String>,
    pub result: Option<serde_json::Value>,
    pub progress: Option<i16>,
}

impl TestApp {
    /// Starts the functions with this project's kinds of job.
    pub async fn new() -> Self {
        Self::with_kinds(worker::registry()).await
    }

    /// Starts the functions with the given kinds of job.
    pub async fn with_kinds(registry: Registry<State>) -> Self {
        let url = postgres::database().await;
        Self::between(url.clone(), &url, registry)
    }

    /// Starts the functions where no database answers.
    pub fn without_database() -> Self {
        let nobody = "postgres://nobody@127.0.0.1:1/none";
        Self::between(nobody.to_owned(), nobody, worker::registry()).may_leave_jobs()
    }

    /// Starts the functions behind a proxy that makes faults; the test's own statements go past it.
    pub async fn behind_proxy(registry: Registry<State>) -> (PgProxy, Self) {
        let url = postgres::database().await;
        let proxy = PgProxy::start(SocketAddr::from(([127, 0, 0, 1], postgres::server().port()))).await;
        let app = Self::between(url.clone(), &proxy.url(&url), registry);
        (proxy, app)
    }

    /// Starts the functions as another role than the one of the test's own statements.
    pub fn as_role(own_url: &str, url: &str, registry: Registry<State>) -> Self {
        Self::between(own_url.to_owned(), url, registry)
    }

    fn between(own_url: String, url: &str, registry: Registry<State>) -> Self {
        let files = TempDir::new().unwrap();
        let clock = Clock::default();
        let db = postgres::handle(url, 10);
        let notifier = Notifier::Postgres(PostgresNotifier::remote(db.clone()));
        let storage = Storage::new(StorageConfig { source: StorageSource::Folder(files.path().to_owned()) });
        let secrets = Secrets::new(Arc::default());
        let key = SigningSource::Key("a secret of tests, long enough for HS256".into());
        let api = AppState {
            db: db.clone(),
            notifier: notifier.clone(),
            clock: clock.clone(),
            storage: storage.clone(),
            signing: SigningKeys::new(key, secrets),
            docs: true,
            private_webhooks: true,
            health: HealthCache::off(),
        };
        let outbound = Outbound::local(Arc::new(mail::gateway(&files.path().join(MAILS))));
        let db_of_jobs = postgres::handle(url, 10);
        let state = State { db: db_of_jobs, storage, clock: clock.clone(), outbound, notifier: notifier.clone() };
        let worker = Worker::of(registry, state);
        let scheduler = Scheduler {
            db,
            notifier,
            clock: clock.clone(),
            schedules: Schedules::default(),
            prober: Prober::default(),
            upkeep: Upkeep::default(),
        };
        let router = api::app(api.clone());
        Self { url: own_url, api, worker, scheduler, clock, router, may_leave_jobs: false, files }
    }

    /// Puts another way out in the place of the folder for mails.
    pub fn with_outbound(mut self, outbound: Outbound) -> Self {
        let state = State { outbound, ..self.worker.state.clone() };
        self.worker = Worker::of(worker::registry(), state);
        self
    }

    /// Lets the test end with unfinished jobs.
    pub fn may_leave_jobs(mut self) -> Self {
        self.may_leave_jobs = true;
        self
    }

    /// The paths of all files that are kept, below the folder of the storage.
    pub fn files(&self) -> Vec<String> {
        let mut open = vec![self.files.path().to_owned()];
        let mut files = Vec::new();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    files.push(path.strip_prefix(self.files.path()).unwrap().display().to_string());
                }
            }
        }
        files
    }

    /// Sends a request to the router.
    pub async fn send(&self, request: axum::http::Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Makes an account without the cost of a password, and a client that is logged in to it.
    pub async fn actor(&self) -> Actor<'_> {
        let id = OwnerId::new();
        let mut db = self.db().await;
        users::create(&mut db, id, &format!("{id}@example.com"), "none", self.clock.now()).await.unwrap();
        let token = self.api.signing.issue(id, self.clock.now()).await.unwrap();
        Actor::new(self, id, token)
    }

    /// Connects to the database, apart from every pool.
    pub async fn db(&self) -> PgConnection {
        postgres::connect(&self.url).await
    }

    /// Returns a handle of its own to the database.
    pub fn handle(&self) -> Db {
        postgres::handle(&self.url, 4)
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(TimeDelta::from_std(by).unwrap());
    }

    /// Writes a job of the system.
    pub async fn enqueue(&self, payload: &(impl Payload + Sync)) -> JobId {
        self.enqueue_new(NewJob::new(payload).unwrap()).await.row.id
    }

    /// Writes a job.
    pub async fn enqueue_new(&self, job: NewJob) -> Enqueued {
        jobs::enqueue(&mut self.db().await, job, &self.clock).await.unwrap()
    }

    /// Writes a probe with a payload that no code would write.
    pub async fn enqueue_raw(&self, payload: &str) -> JobId {
        let id = self.enqueue(&super::probe::Probe::Nothing).await;
        sqlx::query("update jobs set payload = $2::jsonb where id = $1")
            .bind(id)
            .bind(payload)
            .execute(&mut self.db().await)
            .await
            .unwrap();
        id
    }

    /// Hands the worker a batch of messages, as SQS does.
    pub async fn batch(&self, jobs: &[JobId]) -> SqsBatchResponse {
        let bodies: Vec<String> = jobs.iter().map(|job| json!({ "job": job }).to_string()).collect();
        self.batch_of(&bodies).await
    }

    /// Hands the worker a batch of messages with these bodies; their ids are their positions.
    pub async fn batch_of(&self, bodies: &[String]) -> SqsBatchResponse {
        worker::handle_batch(&self.worker, event(bodies), Instant::now() + Duration::from_mins(1)).await
    }

    /// Runs one attempt of a job inline, and returns what became of it.
    pub async fn run(&self, payload: &(impl Payload + Sync)) -> Job {
        let id = self.enqueue(payload).await;
        self.batch(&[id]).await;
        self.job(id).await
    }

    /// Makes a second worker with kinds of its own, on the same database and queue.
    pub fn second_worker(&self, registry: Registry<State>) -> Worker {
        let state = State { db: postgres::handle(&self.url, 10), ..self.worker.state.clone() };
        Worker::of(registry, state)
    }

    /// Hands a worker a batch of messages, as SQS does.
    pub async fn batch_by(&self, worker: &Worker, jobs: &[JobId]) -> SqsBatchResponse {
        let bodies: Vec<String> = jobs.iter().map(|job| json!({ "job": job }).to_string()).collect();
        worker::handle_batch(worker, event(&bodies), Instant::now() + Duration::from_mins(1)).await
    }

    /// Runs what is due, and what that makes due, until nothing is.
    pub async fn drain(&self) -> Vec<(JobId, End)> {
        let mut ends = Vec::new();
        let runner = &self.worker.runner;
        loop {
            let claimed_at = Instant::now();
            runner.ring(1_000).await.unwrap();
            let mut jobs = runner.claim_due(100, Place::START).await.unwrap().jobs;
            if jobs.is_empty() {
                jobs.extend(runner.claim_suspect().await.unwrap());
            }
            if jobs.is_empty() {
                return ends;
            }
            let mut shift = runner.shift(None, Duration::from_secs(5));
            shift.start(jobs, claimed_at);
            while !shift.is_idle() {
                ends.extend(shift.turn().await);
            }
        }
    }

    /// Lets the scheduler tick.
    pub async fn tick(&self) -> Tick {
        self.scheduler.tick().await.unwrap()
    }

    /// Reads the mails that were sent, by their ids.
    pub fn mails(&self) -> Vec<Letter> {
        mail::letters(&self.files.path().join(MAILS))
    }

    /// Reads a job's row.
    pub async fn job(&self, id: JobId) -> Job {
        let row = sqlx::query("select state, attempt, epoch, errors, result, progress from jobs where id = $1")
            .bind(id)
            .fetch_one(&mut self.db().await)
            .await
            .unwrap();
        let errors: serde_json::Value = row.get("errors");
        let texts = errors.as_array().unwrap().iter().map(|error| error["error"].as_str().unwrap().to_owned());
        Job {
            state: row.get("state"),
            attempt: row.get("attempt"),
            epoch: row.get("epoch"),
            errors: texts.collect(),
            result: row.get("result"),
            progress: row.get("progress"),
        }
    }

    /// Counts the effects of a job.
    pub async fn effects(&self, id: JobId) -> i64 {
        sqlx::query_scalar("select count(*) from effects where job_id = $1")
            .bind(id)
            .fetch_one(&mut self.db().await)
            .await
            .unwrap()
    }
}

/// Makes the event that Lambda makes of messages with these bodies; their ids are their positions.
pub fn event(bodies: &[String]) -> SqsEvent {
    let mut event = SqsEvent::default();
    for (position, body) in bodies.iter().enumerate() {
        let mut message = SqsMessage::default();
        message.message_id = Some(position.to_string());
        message.body = Some(body.clone());
        event.records.push(message);
    }
    event
}

/// Returns the ids of the messages that are to be delivered again.
pub fn failures(response: &SqsBatchResponse) -> Vec<&str> {
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
}

impl Drop for TestApp {
    /// A test that leaves jobs behind has not looked at all that it did.
    fn drop(&mut self) {
        if self.may_leave_jobs || std::thread::panicking() {
            return;
        }
        let url = self.url.clone();
        let count = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let unfinished = "select count(*) from jobs where wake_at is not null";
                sqlx::query_scalar::<_, i64>(unfinished).fetch_one(&mut postgres::connect(&url).await).await.unwrap()
            })
        });
        assert_eq!(count.join().unwrap(), 0, "the test leaves unfinished jobs behind");
    }
}
