//! Changes of tasks together with their reminders and with what webhooks hear of them: one statement where there is
//! neither, one transaction where there is.

use crate::{ApiError, AppState};
use shared::ids::{OwnerId, TaskId};
use shared::tasks::{self, Changes, Deleted, NewTask, Task};
use shared::{reminders, webhooks};

/// Creates a task.
pub(super) async fn create(state: &AppState, owner: OwnerId, task: &NewTask) -> Result<Task, ApiError> {
    let (id, now) = (TaskId::new(), state.clock.now());
    if task.remind_at.is_none() {
        let mut db = state.db.acquire().await?;
        if let Some(task) = tasks::create_alone(&mut db, owner, id, task, now).await? {
            return Ok(task);
        }
    }
    let mut tx = state.db.begin().await?;
    let task = tasks::create(&mut tx, owner, id, task, now).await?;
    let reminder = reminders::follow(&mut tx, owner, &task, &state.clock).await?;
    let events = webhooks::publish(&mut tx, owner, &tasks::created(&task)?, &state.clock).await?;
    tx.commit().await?;
    state.notifier.notify(events.into_iter().chain(reminder)).await;
    Ok(task)
}

/// Changes a task; `None` when there is no such task.
pub(super) async fn update(
    state: &AppState,
    owner: OwnerId,
    id: TaskId,
    changes: &Changes,
) -> Result<Option<Task>, ApiError> {
    let now = state.clock.now();
    if !changes.set_reminder() {
        let mut db = state.db.acquire().await?;
        let task = tasks::update_alone(&mut db, owner, id, changes, now).await?;
        if task.is_some() {
            return Ok(task);
        }
    }
    let mut tx = state.db.begin().await?;
    let Some(task) = tasks::update(&mut tx, owner, id, changes, now).await? else { return Ok(None) };
    let reminder =
        if changes.concern_reminder() { reminders::follow(&mut tx, owner, &task, &state.clock).await? } else { None };
    let events = webhooks::publish(&mut tx, owner, &tasks::updated(&task)?, &state.clock).await?;
    tx.commit().await?;
    state.notifier.notify(events.into_iter().chain(reminder)).await;
    Ok(Some(task))
}

/// Deletes a task; tells whether there was such a task.
pub(super) async fn delete(state: &AppState, owner: OwnerId, id: TaskId) -> Result<bool, ApiError> {
    let deleted = {
        let mut db = state.db.acquire().await?;
        tasks::delete_alone(&mut db, owner, id).await?
    };
    match deleted {
        Deleted::Gone => return Ok(true),
        Deleted::Missing => return Ok(false),
        Deleted::NotAlone => {}
    }
    let mut tx = state.db.begin().await?;
    let Some(task) = tasks::delete(&mut tx, owner, id).await? else { return Ok(false) };
    if let Some(job) = task.reminder_job {
        reminders::cancel(&mut tx, owner, job, &state.clock).await?;
    }
    let events = tasks::deleted(&task, state.clock.now())?;
    let events = webhooks::publish(&mut tx, owner, &events, &state.clock).await?;
    tx.commit().await?;
    state.notifier.notify(events).await;
    Ok(true)
}
