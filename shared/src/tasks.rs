//! Tasks: the domain that Errand ships with.

mod page;

pub use page::{Filter, page};

use crate::ids::{OwnerId, TaskId};
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
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it became done; `None` while it is not.
    pub completed_at: Option<DateTime<Utc>>,
    /// Counts the changes, from 1.
    pub version: i32,
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
#[tracing::instrument(level = "debug", name = "db.tasks.update", skip_all)]
pub async fn update(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    changes: &Changes,
    now: DateTime<Utc>,
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
    )
    .fetch_optional(db)
    .await
}

/// Deletes one of an owner's tasks and tells whether there was one.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.delete", skip_all)]
pub async fn delete(db: &mut PgConnection, owner: OwnerId, id: TaskId) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!("delete from tasks where owner_id = $1 and id = $2", owner.0, id.0).execute(db).await?;
    Ok(deleted.rows_affected() == 1)
}
