//! Changing what becomes of a job, from outside of its attempts: calling it off, taking it up again, moving it.

use super::enqueue::Enqueued;
use super::notifier::Notice;
use super::row::{JobRow, State, job_row};
use super::{GRACE, HORIZON, SPACING, find, unique};
use crate::clock::Clock;
use crate::ids::{JobId, OwnerId};
use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};
use std::time::Duration;

/// What calling a job off did.
#[derive(Clone, Debug)]
pub enum Cancel {
    /// It was waiting, and will not run.
    Cancelled(JobRow),
    /// It runs, and stops at an `await` after its worker's next heartbeat, unless it ends before.
    Requested(JobRow),
    /// It was finished already, and stays as it is.
    Finished(JobRow),
    /// There is no such job.
    Missing,
}

/// Calls a job off; a user's own when there is an owner, else whosever it is.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.cancel", skip_all)]
pub async fn cancel(
    db: &mut PgConnection,
    owner: Option<OwnerId>,
    id: JobId,
    clock: &Clock,
) -> Result<Cancel, sqlx::Error> {
    let row = sqlx::query_file!("src/jobs/cancel.sql", id.0, owner.map(|owner| owner.0), clock.offset_seconds(),)
        .fetch_optional(db)
        .await?;
    Ok(match row {
        None => Cancel::Missing,
        Some(row) if row.was_waiting => Cancel::Cancelled(job_row!(row)),
        Some(row) if row.state == State::Running => Cancel::Requested(job_row!(row)),
        Some(row) => Cancel::Finished(job_row!(row)),
    })
}

/// What taking a job up again did.
#[derive(Clone, Debug)]
pub enum Retry {
    /// It waits for another attempt; the notice is to be sent after the commit.
    Again(Enqueued),
    /// It did not fail: it waits, runs, or has succeeded.
    NotFailed(JobRow),
    /// Another job has its key now, and is not finished.
    Conflict(JobId),
    /// There is no such job.
    Missing,
}

/// Takes a failed or cancelled job up again, with one attempt more when none was left.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.retry", skip_all)]
pub async fn retry(
    db: &mut PgConnection,
    owner: Option<OwnerId>,
    id: JobId,
    clock: &Clock,
) -> Result<Retry, sqlx::Error> {
    let mut tx = db.begin().await?;
    let key = sqlx::query!(
        "select kind, unique_key
         from jobs
         where id = $1 and ($2::uuid is null or owner_id = $2) and state in ('failed', 'cancelled')",
        id.0,
        owner.map(|owner| owner.0),
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(row) = key
        && let Some(key) = row.unique_key
        && let Some(holder) = unique::take_back(&mut tx, &row.kind, &key, id, clock).await?
    {
        return Ok(Retry::Conflict(holder));
    }
    let again = sqlx::query_file_as!(
        JobRow,
        "src/jobs/retry.sql",
        id.0,
        owner.map(|owner| owner.0),
        clock.offset_seconds(),
        GRACE.as_secs_f64(),
        SPACING.as_secs_f64(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = again else {
        let there = find::find_any(&mut tx, owner, id).await?;
        return Ok(there.map_or(Retry::Missing, Retry::NotFailed));
    };
    tx.commit().await?;
    let notice = Some(Notice::new(row.id, &row.kind, row.owner_id, Duration::ZERO));
    Ok(Retry::Again(Enqueued { row, notice, joined: false }))
}

/// Moves a job that has not started to another time; `None` when it has started or is not there. The notice in the
/// answer, if there is one, is to be sent after the commit.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.reschedule", skip_all)]
pub async fn reschedule(
    db: &mut PgConnection,
    id: JobId,
    run_at: DateTime<Utc>,
    clock: &Clock,
) -> Result<Option<Option<Notice>>, sqlx::Error> {
    let moved = sqlx::query_file!(
        "src/jobs/reschedule.sql",
        id.0,
        run_at,
        clock.offset_seconds(),
        GRACE.as_secs_f64(),
        SPACING.as_secs_f64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(moved.map(|row| {
        let due_in = Duration::from_secs_f64(row.due_in.max(0.0));
        (due_in <= HORIZON).then(|| Notice::new(id, &row.kind, row.owner_id.map(OwnerId), due_in))
    }))
}
