//! Writing jobs, in the transaction of the change that wants them: the commit makes both, a rollback neither.

use super::new_job::NewJob;
use super::notifier::Notice;
use super::row::{JobRow, State};
use super::unique;
use super::{GRACE, HORIZON, SPACING};
use crate::clock::Clock;
use crate::trace::Trace;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};
use std::time::Duration;
use uuid::Uuid;

/// A job that was written, or found.
#[derive(Clone, Debug)]
pub struct Enqueued {
    /// Its row.
    pub row: JobRow,
    /// What to send after the commit; `None` when it is too early for that and the scheduler will.
    pub notice: Option<Notice>,
    /// Nothing was written: the row is that of an earlier job with the same key.
    pub joined: bool,
}

/// Writes one job, or finds the one that it joins.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn enqueue(db: &mut PgConnection, job: NewJob, clock: &Clock) -> Result<Enqueued, sqlx::Error> {
    enqueue_many(db, vec![job], clock).await?.pop().ok_or(sqlx::Error::RowNotFound)
}

/// Writes many jobs in one statement; the answers are in the same order. Unique ones take two or three statements more,
/// whatever their number. They wait for other transactions that ask for the same keys, so ask for all keys of a
/// transaction in one call: their order is then the same everywhere.
///
/// # Errors
/// When the database refuses or cannot be reached; then none is written.
#[tracing::instrument(level = "debug", name = "db.jobs.enqueue", skip_all, fields(jobs = jobs.len()))]
pub async fn enqueue_many(
    db: &mut PgConnection,
    jobs: Vec<NewJob>,
    clock: &Clock,
) -> Result<Vec<Enqueued>, sqlx::Error> {
    if jobs.iter().all(|job| job.unique.is_none()) {
        return insert(db, jobs, clock).await;
    }
    let mut tx = db.begin().await?;
    let mut joined = unique::join(&mut tx, &jobs, clock).await?;
    let new = jobs.iter().filter(|job| !joined.contains_key(&job.id)).cloned().collect();
    let mut written = insert(&mut tx, new, clock).await?.into_iter();
    tx.commit().await?;

    let mut answers: Vec<Enqueued> = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let answer = match joined.remove(&job.id) {
            None => written.next().ok_or(sqlx::Error::RowNotFound)?,
            Some(unique::Joined::Earlier(row)) => Enqueued { row: *row, notice: None, joined: true },
            Some(unique::Joined::SameCall(first)) => {
                let first = answers.iter().find(|answer| answer.row.id == first).ok_or(sqlx::Error::RowNotFound)?;
                Enqueued { row: first.row.clone(), notice: None, joined: true }
            }
        };
        answers.push(answer);
    }
    Ok(answers)
}

async fn insert(db: &mut PgConnection, jobs: Vec<NewJob>, clock: &Clock) -> Result<Vec<Enqueued>, sqlx::Error> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let columns = Columns::of(&jobs);
    let trace = Trace::current();
    let written = sqlx::query_file!(
        "src/jobs/enqueue.sql",
        &columns.ids,
        &columns.kinds as &[&str],
        &columns.versions,
        &columns.payloads as &[&Value],
        &columns.owners as &[Option<Uuid>],
        &columns.priorities,
        &columns.run_ats as &[Option<DateTime<Utc>>],
        &columns.max_attempts,
        clock.offset_seconds(),
        GRACE.as_secs_f64(),
        &columns.keys as &[Option<&str>],
        SPACING.as_secs_f64(),
        trace.map(|trace| trace.to_string()),
    )
    .fetch_all(db)
    .await?;

    // The insert keeps the order of the arrays; the ids make sure of it.
    let mut answers = Vec::with_capacity(jobs.len());
    for (job, row) in jobs.into_iter().zip(written) {
        if job.id.0 != row.id {
            return Err(sqlx::Error::Decode("the rows of an insert came back in another order".into()));
        }
        answers.push(job.enqueued(row.run_at, row.created_at, row.due_in, trace));
    }
    Ok(answers)
}

#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    kinds: Vec<&'a str>,
    versions: Vec<i16>,
    payloads: Vec<&'a Value>,
    owners: Vec<Option<Uuid>>,
    priorities: Vec<i16>,
    run_ats: Vec<Option<DateTime<Utc>>>,
    max_attempts: Vec<i32>,
    keys: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn of(jobs: &'a [NewJob]) -> Self {
        let mut columns = Self::default();
        for job in jobs {
            columns.ids.push(job.id.0);
            columns.kinds.push(job.kind);
            columns.versions.push(job.version);
            columns.payloads.push(&job.payload);
            columns.owners.push(job.owner.map(|owner| owner.0));
            columns.priorities.push(job.priority.0);
            columns.run_ats.push(job.run_at);
            columns.max_attempts.push(job.max_attempts);
            columns.keys.push(job.unique.as_ref().map(|unique| unique.key.as_str()));
        }
        columns
    }
}

impl NewJob {
    fn enqueued(self, run_at: DateTime<Utc>, created_at: DateTime<Utc>, due_in: f64, trace: Option<Trace>) -> Enqueued {
        let due_in = Duration::from_secs_f64(due_in.max(0.0));
        let notice = (due_in <= HORIZON).then(|| Notice::new(self.id, self.kind, self.owner, due_in).part_of(trace));
        let row = JobRow {
            id: self.id,
            kind: self.kind.to_owned(),
            owner_id: self.owner,
            state: State::Available,
            priority: self.priority,
            attempt: 0,
            max_attempts: self.max_attempts,
            progress: None,
            result: None,
            errors: Json(Vec::new()),
            cancel_requested: false,
            run_at,
            created_at,
            started_at: None,
            finished_at: None,
        };
        Enqueued { row, notice, joined: false }
    }
}
