//! Tasks: the domain that Errand ships with.

mod page;

pub use page::{Filter, page};

use crate::ids::{JobId, OwnerId, TaskId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// How far a task has come.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Status {
    /// Not begun.
    Open,
    /// Begun.
    InProgress,
    /// Finished.
    Done,
}

/// One task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Sorts by time of creation.
    pub id: TaskId,
    /// 1 to 200 characters.
    pub title: String,
    /// At most 10,000 characters.
    pub description: String,
    /// How far it has come.
    pub status: Status,
    /// 0 to 9.
    pub priority: i16,
    /// At most 20.
    pub tags: Vec<String>,
    /// When it should be done.
    pub due_at: Option<DateTime<Utc>>,
    /// When its owner gets a mail about it, or got one.
    pub remind_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it became done; `None` while it is not.
    pub completed_at: Option<DateTime<Utc>>,
    /// Counts the changes, from 1.
    pub version: i32,
    /// The job that is to remind; `None` when none waits. Kept by [`crate::reminders`].
    pub reminder_job: Option<JobId>,
}

/// What a new task is made of.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// See [`Task::title`].
    pub title: String,
    /// See [`Task::description`].
    pub description: String,
    /// See [`Task::status`].
    pub status: Status,
    /// See [`Task::priority`].
    pub priority: i16,
    /// See [`Task::tags`].
    pub tags: Vec<String>,
    /// See [`Task::due_at`].
    pub due_at: Option<DateTime<Utc>>,
    /// See [`Task::remind_at`]. The job is [`crate::reminders::follow`]'s.
    pub remind_at: Option<DateTime<Utc>>,
}

/// What to change of a task; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// See [`Task::title`].
    pub title: Option<String>,
    /// See [`Task::description`].
    pub description: Option<String>,
    /// See [`Task::status`].
    pub status: Option<Status>,
    /// See [`Task::priority`].
    pub priority: Option<i16>,
    /// See [`Task::tags`].
    pub tags: Option<Vec<String>>,
    /// `Some(None)` takes the date away.
    pub due_at: Option<Option<DateTime<Utc>>>,
    /// `Some(None)` takes the time away. The job is [`crate::reminders::follow`]'s.
    pub remind_at: Option<Option<DateTime<Utc>>>,
}

impl Changes {
    /// Whether a task's reminder may have to come, move or go with them.
    #[must_use]
    pub fn concern_reminder(&self) -> bool {
        self.status.is_some() || self.remind_at.is_some()
    }

    /// Whether they give a task a time for its reminder.
    #[must_use]
    pub fn set_reminder(&self) -> bool {
        self.remind_at.flatten().is_some()
    }
}

/// What became of a task that was to be deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// It is still there, because it has a reminder: see [`delete_with_reminder`].
    Reminds,
    /// There is no such task.
    Missing,
}

/// Makes a task.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.create", skip_all)]
pub async fn create(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    task: &NewTask,
    now: DateTime<Utc>,
) -> Result<Task, sqlx::Error> {
    sqlx::query_file_as!(
        Task,
        "src/tasks/create.sql",
        id.0,
        owner.0,
        task.title,
        task.description,
        task.status as Status,
        task.priority,
        &task.tags,
        task.due_at,
        task.remind_at,
        now,
    )
    .fetch_one(db)
    .await
}

/// Finds one of an owner's tasks.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.find", skip_all)]
pub async fn find(db: &mut PgConnection, owner: OwnerId, id: TaskId) -> Result<Option<Task>, sqlx::Error> {
    sqlx::query_file_as!(Task, "src/tasks/find.sql", owner.0, id.0).fetch_optional(db).await
}

/// Changes one of an owner's tasks; `None` when there is no such task.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn update(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    changes: &Changes,
    now: DateTime<Utc>,
) -> Result<Option<Task>, sqlx::Error> {
    change(db, owner, id, changes, now, false).await
}

/// Changes one of an owner's tasks that has no time for a reminder; `None` when it has one, or is not there.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn update_without_reminder(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    changes: &Changes,
    now: DateTime<Utc>,
) -> Result<Option<Task>, sqlx::Error> {
    change(db, owner, id, changes, now, true).await
}

#[tracing::instrument(level = "debug", name = "db.tasks.update", skip_all)]
async fn change(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    changes: &Changes,
    now: DateTime<Utc>,
    only_without_reminder: bool,
) -> Result<Option<Task>, sqlx::Error> {
    sqlx::query_file_as!(
        Task,
        "src/tasks/update.sql",
        owner.0,
        id.0,
        changes.title,
        changes.description,
        changes.status as Option<Status>,
        changes.priority,
        changes.tags.as_deref(),
        changes.due_at.is_some(),
        changes.due_at.flatten(),
        now,
        changes.remind_at.is_some(),
        changes.remind_at.flatten(),
        only_without_reminder,
    )
    .fetch_optional(db)
    .await
}

/// Deletes one of an owner's tasks, unless it has a reminder.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.delete", skip_all)]
pub async fn delete(db: &mut PgConnection, owner: OwnerId, id: TaskId) -> Result<Deleted, sqlx::Error> {
    let done = sqlx::query_file!("src/tasks/delete.sql", owner.0, id.0).fetch_one(db).await?;
    Ok(match (done.was_deleted, done.was_there) {
        (true, _) => Deleted::Gone,
        (false, true) => Deleted::Reminds,
        (false, false) => Deleted::Missing,
    })
}

/// Deletes one of an owner's tasks and returns the job that was to remind of it; `None` when there is no such task.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.delete_with_reminder", skip_all)]
pub async fn delete_with_reminder(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
) -> Result<Option<Option<JobId>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"delete from tasks where owner_id = $1 and id = $2 returning reminder_job_id as "job: JobId""#,
        owner.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}
