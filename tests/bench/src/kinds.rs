//! The kinds of job that are measured, and what they tell the measurement.

use serde::{Deserialize, Serialize};
use shared::jobs::{Context, Failure, Finish, Finished, Job, NewJob, Outcome, Payload, Registry};
use sqlx::PgConnection;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use uuid::Uuid;
use worker::State;

/// Attempts that have done their work, since [`reset`].
static DONE: AtomicUsize = AtomicUsize::new(0);

/// What [`Stamped`] jobs left, since [`reset`].
static STAMPS: Mutex<Vec<Stamp>> = Mutex::new(Vec::new());

/// When a job had its turn.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub number: usize,
    /// How many others had done their work when this one started.
    pub done_before: usize,
    pub started: Instant,
    pub committed: Instant,
}

/// What a job does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Work {
    /// Nothing.
    Nothing,
    /// One insert and one update, in its own transaction.
    Effects,
    /// The same, and the end of the job, in one statement.
    AtOnce,
}

impl Work {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Nothing => Noop::KIND,
            Self::Effects => Effects::KIND,
            Self::AtOnce => AtOnce::KIND,
        }
    }

    pub fn job(self) -> serde_json::Result<NewJob> {
        match self {
            Self::Nothing => NewJob::new(&Noop { note: NOTE.to_owned() }),
            Self::Effects => NewJob::new(&Effects { note: NOTE.to_owned() }),
            Self::AtOnce => NewJob::new(&AtOnce { note: NOTE.to_owned() }),
        }
    }
}

/// A payload has something in it.
pub const NOTE: &str = "the usual size of a payload";

/// A job that does nothing; a second run does the same.
#[derive(Debug, Deserialize, Serialize)]
pub struct Noop {
    note: String,
}

/// A job with effects in the database; a second run is refused by the fence.
#[derive(Debug, Deserialize, Serialize)]
pub struct Effects {
    note: String,
}

/// A job whose effects and end are one statement, which the fence refuses a second time.
#[derive(Debug, Deserialize, Serialize)]
pub struct AtOnce {
    note: String,
}

/// As [`Effects`], and it says when it had its turn.
#[derive(Debug, Deserialize, Serialize)]
pub struct Stamped {
    pub number: usize,
}

impl Payload for Noop {
    const KIND: &'static str = "bench_noop";
}

impl Payload for Effects {
    const KIND: &'static str = "bench_effects";
}

impl Payload for AtOnce {
    const KIND: &'static str = "bench_at_once";
}

impl Payload for Stamped {
    const KIND: &'static str = "bench_stamped";
}

impl Job<State> for Noop {
    async fn run(self, _state: State, context: Context) -> Result<Outcome, Failure> {
        DONE.fetch_add(1, Ordering::Relaxed);
        context.done(())
    }
}

impl Job<State> for Effects {
    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let mut tx = state.db.begin().await?;
        apply(&mut tx, context.job().0).await?;
        let outcome = context.commit(tx, ()).await?;
        DONE.fetch_add(1, Ordering::Relaxed);
        Ok(outcome)
    }
}

impl Job<State> for AtOnce {
    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let mut db = state.db.acquire().await?;
        let outcome = context.commit_by((), |finish| at_once(&mut db, finish)).await?;
        DONE.fetch_add(1, Ordering::Relaxed);
        Ok(outcome)
    }
}

impl Job<State> for Stamped {
    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let (started, done_before) = (Instant::now(), done());
        let mut tx = state.db.begin().await?;
        apply(&mut tx, context.job().0).await?;
        let outcome = context.commit(tx, ()).await?;
        let stamp = Stamp { number: self.number, done_before, started, committed: Instant::now() };
        if let Ok(mut stamps) = STAMPS.lock() {
            stamps.push(stamp);
        }
        DONE.fetch_add(1, Ordering::Relaxed);
        Ok(outcome)
    }
}

/// Every kind that is measured.
pub fn registry() -> Registry<State> {
    Registry::default().with::<Noop>().with::<Effects>().with::<AtOnce>().with::<Stamped>()
}

/// The effects of a job: one insert, one update.
pub async fn apply(db: &mut PgConnection, job: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("insert into bench_effects (job_id) values ($1)").bind(job).execute(&mut *db).await?;
    sqlx::query("update bench_counters set value = value + 1 where id = $1").bind(counter(job)).execute(db).await?;
    Ok(())
}

/// The same effects together with the end of the job.
pub async fn at_once(db: &mut PgConnection, finish: Finish) -> Result<Finished, sqlx::Error> {
    sqlx::query_scalar(
        "with noted as (insert into bench_effects (job_id) values ($1)),
         counted as (update bench_counters set value = value + 1 where id = $5)
         select finish_job($1, $2, $3, $4)",
    )
    .bind(finish.job)
    .bind(finish.epoch)
    .bind(finish.result)
    .bind(finish.seconds_ahead)
    .bind(counter(finish.job))
    .fetch_one(db)
    .await
}

fn counter(job: Uuid) -> i32 {
    i32::try_from(job.as_u128() % 1_000).unwrap_or_default()
}

/// Forgets everything that jobs told.
pub fn reset() {
    DONE.store(0, Ordering::Relaxed);
    if let Ok(mut stamps) = STAMPS.lock() {
        stamps.clear();
    }
}

pub fn done() -> usize {
    DONE.load(Ordering::Relaxed)
}

pub fn stamps() -> Vec<Stamp> {
    STAMPS.lock().map(|stamps| stamps.clone()).unwrap_or_default()
}
