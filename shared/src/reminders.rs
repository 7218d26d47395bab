//! Reminders: a task's `remind_at` is a delayed job, which comes, moves and goes in the transaction of the task.

use crate::clock::Clock;
use crate::ids::{JobId, OwnerId, TaskId};
use crate::jobs::{self, NewJob, Notice, Payload};
use crate::tasks::{Status, Task};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// The job that reminds an owner of a task, by mail.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct RemindTask {
    /// Of what.
    pub task: TaskId,
}

impl Payload for RemindTask {
    const KIND: &'static str = "remind_task";
}

/// What a reminder is made of, at the moment when it is to go out.
#[derive(Debug)]
pub struct Reminder {
    /// The task's title.
    pub title: String,
    /// When the task should be done.
    pub due_at: Option<DateTime<Utc>>,
    /// How far the task has come.
    pub status: Status,
    /// Where its owner gets mail.
    pub email: String,
    /// Whether the task still waits for the job that asks.
    pub is_current: bool,
}

/// Makes a task's job fit the task, after the task was written in the same transaction: an open task with a time in the
/// future has one that is due then, a task that is done or has no time has none. Returns what to send after the commit.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn follow(
    db: &mut PgConnection,
    owner: OwnerId,
    task: &Task,
    clock: &Clock,
) -> Result<Option<Notice>, sqlx::Error> {
    let at = task.remind_at.filter(|_| task.status != Status::Done);
    // A job whose time has come is about to run: it is left alone.
    let ahead = at.filter(|at| *at > clock.now());
    match (task.reminder_job, at, ahead) {
        (Some(job), None, _) => {
            jobs::cancel(db, Some(owner), job, clock).await?;
            set_job(db, owner, task.id, None).await?;
            Ok(None)
        }
        (Some(job), _, Some(at)) => match jobs::reschedule(db, job, at, clock).await? {
            Some(notice) => Ok(notice),
            // It has started, and will find that the task waits for another one now.
            None => enqueue(db, owner, task.id, at, clock).await,
        },
        (None, _, Some(at)) => enqueue(db, owner, task.id, at, clock).await,
        (_, _, None) => Ok(None),
    }
}

/// Cancels the job of a task that was deleted in the same transaction.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn cancel(db: &mut PgConnection, owner: OwnerId, job: JobId, clock: &Clock) -> Result<(), sqlx::Error> {
    jobs::cancel(db, Some(owner), job, clock).await?;
    Ok(())
}

/// Reads what a reminder needs and locks the task until the transaction's end, so that it is moved either before this
/// or after; `None` when the task is gone.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.reminders.lock", skip_all)]
pub async fn lock(
    db: &mut PgConnection,
    owner: OwnerId,
    task: TaskId,
    job: JobId,
) -> Result<Option<Reminder>, sqlx::Error> {
    sqlx::query_file_as!(Reminder, "src/reminders/lock.sql", owner.0, task.0, job.0).fetch_optional(db).await
}

/// Notes that a task waits for no job any more: it has reminded.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn fired(db: &mut PgConnection, owner: OwnerId, task: TaskId) -> Result<(), sqlx::Error> {
    set_job(db, owner, task, None).await
}

async fn enqueue(
    db: &mut PgConnection,
    owner: OwnerId,
    task: TaskId,
    at: DateTime<Utc>,
    clock: &Clock,
) -> Result<Option<Notice>, sqlx::Error> {
    let job = NewJob::new(&RemindTask { task }).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let enqueued = jobs::enqueue(db, job.owned_by(owner).at(at), clock).await?;
    set_job(db, owner, task, Some(enqueued.row.id)).await?;
    Ok(enqueued.notice)
}

/// The owner changes nothing by it, so version and time of change stay.
#[tracing::instrument(level = "debug", name = "db.reminders.set_job", skip_all)]
async fn set_job(db: &mut PgConnection, owner: OwnerId, task: TaskId, job: Option<JobId>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update tasks set reminder_job_id = $3 where owner_id = $1 and id = $2",
        owner.0,
        task.0,
        job.map(|job| job.0),
    )
    .execute(db)
    .await?;
    Ok(())
}
