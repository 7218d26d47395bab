//! Changes of tasks together with their reminders: one statement where a task has none, one transaction where it has.

use crate::{ApiError, AppState};
use shared::ids::{OwnerId, TaskId};
use shared::reminders;
use shared::tasks::{self, Changes, Deleted, NewTask, Task};

/// Creates a task, with its reminder.
pub(super) async fn create(state: &AppState, owner: OwnerId, task: &NewTask) -> Result<Task, ApiError> {
    let now = state.clock.now();
    if task.remind_at.is_none() {
        let mut db = state.db.acquire().await?;
        return Ok(tasks::create(&mut db, owner, TaskId::new(), task, now).await?);
    }
    let mut tx = state.db.begin().await?;
    let task = tasks::create(&mut tx, owner, TaskId::new(), task, now).await?;
    let notice = reminders::follow(&mut tx, owner, &task, &state.clock).await?;
    tx.commit().await?;
    state.notifier.notify(notice).await;
    Ok(task)
}

/// Changes a task, and its reminder if that is concerned; `None` when there is no such task.
pub(super) async fn update(
    state: &AppState,
    owner: OwnerId,
    id: TaskId,
    changes: &Changes,
) -> Result<Option<Task>, ApiError> {
    let now = state.clock.now();
    if !changes.concern_reminder() {
        let mut db = state.db.acquire().await?;
        return Ok(tasks::update(&mut db, owner, id, changes, now).await?);
    }
    if !changes.set_reminder() {
        let mut db = state.db.acquire().await?;
        let task = tasks::update_without_reminder(&mut db, owner, id, changes, now).await?;
        if task.is_some() {
            return Ok(task);
        }
    }
    let mut tx = state.db.begin().await?;
    let Some(task) = tasks::update(&mut tx, owner, id, changes, now).await? else { return Ok(None) };
    let notice = reminders::follow(&mut tx, owner, &task, &state.clock).await?;
    tx.commit().await?;
    state.notifier.notify(notice).await;
    Ok(Some(task))
}

/// Deletes a task, and its reminder if it has one; tells whether there was such a task.
pub(super) async fn delete(state: &AppState, owner: OwnerId, id: TaskId) -> Result<bool, ApiError> {
    let deleted = {
        let mut db = state.db.acquire().await?;
        tasks::delete(&mut db, owner, id).await?
    };
    match deleted {
        Deleted::Gone => return Ok(true),
        Deleted::Missing => return Ok(false),
        Deleted::Reminds => {}
    }
    let mut tx = state.db.begin().await?;
    let Some(job) = tasks::delete_with_reminder(&mut tx, owner, id).await? else { return Ok(false) };
    if let Some(job) = job {
        reminders::cancel(&mut tx, owner, job, &state.clock).await?;
    }
    tx.commit().await?;
    Ok(true)
}
