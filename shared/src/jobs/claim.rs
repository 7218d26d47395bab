//! Taking jobs: by id, when a message names them, or whatever is due, when there is no message.

use super::registry::Supported;
use super::{GRACE, LONGEST_GRACE};
use crate::clock::Clock;
use crate::ids::{JobId, OwnerId};
use serde_json::Value;
use sqlx::PgConnection;
use std::time::Duration;

/// What the row of an abandoned attempt says.
pub(super) const ABANDONED: &str = "the attempt was abandoned: its lease ran out";

/// A job that is now this process's to run.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The job.
    pub id: JobId,
    /// Which code runs it.
    pub kind: String,
    /// The payload's version.
    pub version: i16,
    /// Its input.
    pub payload: Value,
    /// Whose it is.
    pub owner: Option<OwnerId>,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// Attempts it may have.
    pub max_attempts: i32,
    /// The attempt's fence.
    pub epoch: i32,
}

/// Why a job was not claimed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unclaimed {
    /// It ended already.
    Finished,
    /// Another worker has it.
    Leased,
    /// Its last attempt was abandoned; it is failed now.
    Exhausted,
    /// It is not due for this long.
    NotDue(Duration),
    /// Another transaction holds its row at this moment.
    Locked,
    /// This build does not know its kind or the version of its payload.
    Unsupported,
    /// There is no such job (any more).
    Missing,
}

/// The answer to a claim by ids.
#[derive(Debug, Default)]
pub struct Claims {
    /// Jobs to run.
    pub claimed: Vec<Claimed>,
    /// The others, each with the reason.
    pub unclaimed: Vec<(JobId, Unclaimed)>,
}

/// Claims, in one statement, what can be claimed of these jobs.
///
/// # Errors
/// When the database refuses or cannot be reached; then nothing is claimed.
#[tracing::instrument(level = "debug", name = "db.jobs.claim", skip_all, fields(jobs = ids.len()))]
pub async fn claim(
    db: &mut PgConnection,
    ids: &[JobId],
    supported: &Supported,
    clock: &Clock,
) -> Result<Claims, sqlx::Error> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_file!(
        "src/jobs/claim_ids.sql",
        &ids,
        &supported.kinds,
        &supported.versions,
        &supported.leases,
        clock.offset_seconds(),
        ABANDONED,
    )
    .fetch_all(db)
    .await?;

    let mut claims = Claims::default();
    for row in rows {
        let id = JobId(row.id);
        let reason = match row.verdict.as_str() {
            "claimed" => {
                claims.claimed.push(Claimed {
                    id,
                    kind: present(row.kind)?,
                    version: present(row.version)?,
                    payload: present(row.payload)?,
                    owner: row.owner_id.map(OwnerId),
                    attempt: present(row.attempt)?,
                    max_attempts: present(row.max_attempts)?,
                    epoch: present(row.epoch)?,
                });
                continue;
            }
            "finished" => Unclaimed::Finished,
            "leased" => Unclaimed::Leased,
            "exhausted" => Unclaimed::Exhausted,
            "not_due" => Unclaimed::NotDue(Duration::from_secs_f64(row.due_in.unwrap_or_default().max(0.0))),
            "locked" => Unclaimed::Locked,
            "unsupported" => Unclaimed::Unsupported,
            _ => Unclaimed::Missing,
        };
        claims.unclaimed.push((id, reason));
    }
    Ok(claims)
}

/// Claims up to `limit` jobs that are due, those with the earliest alarm first.
///
/// # Errors
/// When the database refuses or cannot be reached; then nothing is claimed.
#[tracing::instrument(level = "debug", name = "db.jobs.claim_due", skip_all)]
pub async fn claim_due(
    db: &mut PgConnection,
    limit: i64,
    supported: &Supported,
    clock: &Clock,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/jobs/claim_due.sql",
        &supported.kinds,
        &supported.versions,
        &supported.leases,
        clock.offset_seconds(),
        limit,
        LONGEST_GRACE.as_secs_f64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            id: JobId(row.id),
            kind: row.kind,
            version: row.version,
            payload: row.payload,
            owner: row.owner_id.map(OwnerId),
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            epoch: row.epoch,
        })
        .collect())
}

/// Tells in how long the next waiting job becomes due, if one does within the window.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.next_due", skip_all)]
pub async fn next_due(db: &mut PgConnection, window: Duration, clock: &Clock) -> Result<Option<Duration>, sqlx::Error> {
    let due_in = sqlx::query_file_scalar!(
        "src/jobs/next_due.sql",
        clock.offset_seconds(),
        window.as_secs_f64(),
        GRACE.as_secs_f64(),
    )
    .fetch_one(db)
    .await?;
    Ok(due_in.map(|seconds| Duration::from_secs_f64(seconds.max(0.0))))
}

/// A column that the statement fills for every claimed row.
fn present<T>(column: Option<T>) -> Result<T, sqlx::Error> {
    column.ok_or_else(|| sqlx::Error::Decode("a claimed job came back without all of its columns".into()))
}
