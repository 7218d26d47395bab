//! Writing jobs, in the transaction of the change that wants them: the commit makes both, a rollback neither.

use super::job::Payload;
use super::notifier::Notice;
use super::row::{JobRow, State};
use super::text::storable;
use super::{GRACE, HORIZON};
use crate::clock::Clock;
use crate::ids::{JobId, OwnerId};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use std::time::Duration;
use uuid::Uuid;

/// A job to be written.
#[derive(Clone, Debug)]
pub struct NewJob {
    id: JobId,
    kind: &'static str,
    version: i16,
    payload: Value,
    owner: Option<OwnerId>,
    run_at: Option<DateTime<Utc>>,
    max_attempts: i32,
}

impl NewJob {
    /// Makes a job of the system that is to run now.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON.
    pub fn new<P: Payload>(payload: &P) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: JobId::new(),
            kind: P::KIND,
            version: P::VERSION,
            payload: storable(serde_json::to_value(payload)?),
            owner: None,
            run_at: None,
            max_attempts: P::MAX_ATTEMPTS,
        })
    }

    /// Makes it a user's.
    #[must_use]
    pub fn owned_by(mut self, owner: OwnerId) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Lets it start at a time instead of now.
    #[must_use]
    pub fn at(mut self, run_at: DateTime<Utc>) -> Self {
        self.run_at = Some(run_at);
        self
    }
}

/// A job that was written.
#[derive(Clone, Debug)]
pub struct Enqueued {
    /// Its row.
    pub row: JobRow,
    /// What to send after the commit; `None` when it is too early for that and the scheduler will.
    pub notice: Option<Notice>,
}

/// Writes one job.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn enqueue(db: &mut PgConnection, job: NewJob, clock: &Clock) -> Result<Enqueued, sqlx::Error> {
    enqueue_many(db, vec![job], clock).await?.pop().ok_or(sqlx::Error::RowNotFound)
}

/// Writes many jobs in one statement; the answers are in the same order.
///
/// # Errors
/// When the database refuses or cannot be reached; then none is written.
#[tracing::instrument(level = "debug", name = "db.jobs.enqueue", skip_all, fields(jobs = jobs.len()))]
pub async fn enqueue_many(
    db: &mut PgConnection,
    jobs: Vec<NewJob>,
    clock: &Clock,
) -> Result<Vec<Enqueued>, sqlx::Error> {
    let mut columns = Columns::default();
    for job in &jobs {
        columns.push(job);
    }
    let written = sqlx::query_file!(
        "src/jobs/enqueue.sql",
        &columns.ids,
        &columns.kinds,
        &columns.versions,
        &columns.payloads,
        &columns.owners as &[Option<Uuid>],
        &columns.run_ats as &[Option<DateTime<Utc>>],
        &columns.max_attempts,
        clock.offset_seconds(),
        HORIZON.as_secs_f64(),
        GRACE.as_secs_f64(),
    )
    .fetch_all(db)
    .await?;

    // `unnest` keeps the order of its arrays, and so does the insert; the ids make sure of it.
    let mut answers = Vec::with_capacity(jobs.len());
    for (job, row) in jobs.into_iter().zip(written) {
        if job.id.0 != row.id {
            return Err(sqlx::Error::Decode("the rows of an insert came back in another order".into()));
        }
        answers.push(job.enqueued(row.run_at, row.created_at, row.due_in));
    }
    Ok(answers)
}

#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    kinds: Vec<String>,
    versions: Vec<i16>,
    payloads: Vec<Value>,
    owners: Vec<Option<Uuid>>,
    run_ats: Vec<Option<DateTime<Utc>>>,
    max_attempts: Vec<i32>,
}

impl Columns {
    fn push(&mut self, job: &NewJob) {
        self.ids.push(job.id.0);
        self.kinds.push(job.kind.to_owned());
        self.versions.push(job.version);
        self.payloads.push(job.payload.clone());
        self.owners.push(job.owner.map(|owner| owner.0));
        self.run_ats.push(job.run_at);
        self.max_attempts.push(job.max_attempts);
    }
}

impl NewJob {
    fn enqueued(self, run_at: DateTime<Utc>, created_at: DateTime<Utc>, due_in: f64) -> Enqueued {
        let due_in = Duration::from_secs_f64(due_in.max(0.0));
        let notice = (due_in <= HORIZON).then(|| Notice::new(self.id, self.kind, self.owner, due_in));
        let row = JobRow {
            id: self.id,
            kind: self.kind.to_owned(),
            owner_id: self.owner,
            state: State::Available,
            attempt: 0,
            max_attempts: self.max_attempts,
            progress: None,
            result: None,
            errors: Json(Vec::new()),
            run_at,
            created_at,
            started_at: None,
            finished_at: None,
        };
        Enqueued { row, notice }
    }
}
