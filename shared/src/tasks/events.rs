//! What webhooks hear of a task.

use super::Task;
use crate::webhooks::{Event, EventType};
use chrono::{DateTime, Utc};

/// What is heard of a task that was made.
///
/// # Errors
/// When the task cannot be written as JSON.
pub fn created(task: &Task) -> Result<Vec<Event>, sqlx::Error> {
    events(&kinds(EventType::TaskCreated, became_done(task)), task, task.updated_at)
}

/// What is heard of a task that was changed.
///
/// # Errors
/// When the task cannot be written as JSON.
pub fn updated(task: &Task) -> Result<Vec<Event>, sqlx::Error> {
    events(&kinds(EventType::TaskUpdated, became_done(task)), task, task.updated_at)
}

/// What is heard of a task that was deleted.
///
/// # Errors
/// When the task cannot be written as JSON.
pub fn deleted(task: &Task, at: DateTime<Utc>) -> Result<Vec<Event>, sqlx::Error> {
    events(&[EventType::TaskDeleted], task, at)
}

/// The kinds of event that come with a change.
pub(super) fn kinds(change: EventType, becomes_done: bool) -> Vec<EventType> {
    let done = becomes_done.then_some(EventType::TaskCompleted);
    [Some(change), done].into_iter().flatten().collect()
}

/// Whether its latest change made a task done: then one statement has set both times.
fn became_done(task: &Task) -> bool {
    task.completed_at == Some(task.updated_at)
}

fn events(kinds: &[EventType], task: &Task, at: DateTime<Utc>) -> Result<Vec<Event>, sqlx::Error> {
    kinds.iter().map(|kind| Event::new(*kind, at, task)).collect()
}
