//! Making, changing and deleting tasks.
//!
//! Most tasks have no reminder, and most owners no webhook. So each change has two forms: alone, where the statement does
//! nothing if a reminder or an event would have to go with it, and is the whole transaction otherwise; and in any case,
//! for a transaction that has the rest in it.

use super::{Changes, NewTask, Status, Task, events};
use crate::ids::{OwnerId, TaskId};
use crate::webhooks::EventType;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// What became of a task that was to be deleted alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// It is still there, because something has to go with it: see [`delete`].
    NotAlone,
    /// There is no such task.
    Missing,
}

/// Makes a task; its reminder is [`crate::reminders::follow`]'s, its events are the caller's.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn create(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    task: &NewTask,
    now: DateTime<Utc>,
) -> Result<Task, sqlx::Error> {
    insert(db, owner, id, task, now, &[]).await?.ok_or(sqlx::Error::RowNotFound)
}

/// Makes a task that has no reminder, unless a webhook hears of that: then `None`.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn create_alone(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    task: &NewTask,
    now: DateTime<Utc>,
) -> Result<Option<Task>, sqlx::Error> {
    let events = events::kinds(EventType::TaskCreated, task.status == Status::Done);
    insert(db, owner, id, task, now, &events).await
}

/// Changes one of an owner's tasks; its reminder is [`crate::reminders::follow`]'s, its events are the caller's. `None`
/// when there is no such task.
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
    change(db, owner, id, changes, now, false, &[]).await
}

/// Changes one of an owner's tasks, unless it has a time for a reminder that may have to follow, or a webhook hears of
/// the change: then `None`, as when there is no such task.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn update_alone(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    changes: &Changes,
    now: DateTime<Utc>,
) -> Result<Option<Task>, sqlx::Error> {
    let events = events::kinds(EventType::TaskUpdated, changes.status == Some(Status::Done));
    change(db, owner, id, changes, now, changes.concern_reminder(), &events).await
}

/// Deletes one of an owner's tasks and returns it as it was; `None` when there is no such task.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.delete", skip_all)]
pub async fn delete(db: &mut PgConnection, owner: OwnerId, id: TaskId) -> Result<Option<Task>, sqlx::Error> {
    sqlx::query_file_as!(Task, "src/tasks/delete.sql", owner.0, id.0).fetch_optional(db).await
}

/// Deletes one of an owner's tasks, unless it has a reminder or a webhook hears of that.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.delete_alone", skip_all)]
pub async fn delete_alone(db: &mut PgConnection, owner: OwnerId, id: TaskId) -> Result<Deleted, sqlx::Error> {
    let events = EventType::names(&[EventType::TaskDeleted]);
    let done = sqlx::query_file!("src/tasks/delete_alone.sql", owner.0, id.0, &events).fetch_one(db).await?;
    Ok(match (done.was_deleted, done.was_there) {
        (true, _) => Deleted::Gone,
        (false, true) => Deleted::NotAlone,
        (false, false) => Deleted::Missing,
    })
}

#[tracing::instrument(level = "debug", name = "db.tasks.create", skip_all)]
async fn insert(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    task: &NewTask,
    now: DateTime<Utc>,
    unless_heard: &[EventType],
) -> Result<Option<Task>, sqlx::Error> {
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
        &EventType::names(unless_heard),
    )
    .fetch_optional(db)
    .await
}

#[tracing::instrument(level = "debug", name = "db.tasks.update", skip_all)]
async fn change(
    db: &mut PgConnection,
    owner: OwnerId,
    id: TaskId,
    changes: &Changes,
    now: DateTime<Utc>,
    unless_it_reminds: bool,
    unless_heard: &[EventType],
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
        unless_it_reminds,
        &EventType::names(unless_heard),
    )
    .fetch_optional(db)
    .await
}
