//! Many tasks in one statement.

use super::NewTask;
use crate::ids::{OwnerId, TaskId};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    titles: Vec<&'a str>,
    descriptions: Vec<&'a str>,
    statuses: Vec<&'static str>,
    priorities: Vec<i16>,
    tags: Vec<Value>,
    due_ats: Vec<Option<DateTime<Utc>>>,
}

/// Makes an owner's tasks, which sort in the order of the list. They must have passed [`NewTask::check`].
///
/// # Errors
/// When the database refuses or cannot be reached; then none is made.
#[tracing::instrument(level = "debug", name = "db.tasks.create_many", skip_all, fields(tasks = tasks.len()))]
pub async fn create_many(
    db: &mut PgConnection,
    owner: OwnerId,
    tasks: &[NewTask],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let mut columns = Columns::default();
    for task in tasks {
        columns.push(task);
    }
    sqlx::query_file!(
        "src/tasks/create_many.sql",
        owner.0,
        &columns.ids,
        &columns.titles as &[&str],
        &columns.descriptions as &[&str],
        &columns.statuses as &[&str],
        &columns.priorities,
        &columns.tags,
        &columns.due_ats as &[Option<DateTime<Utc>>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

impl<'a> Columns<'a> {
    fn push(&mut self, task: &'a NewTask) {
        self.ids.push(TaskId::new().0);
        self.titles.push(&task.title);
        self.descriptions.push(&task.description);
        self.statuses.push(task.status.word());
        self.priorities.push(task.priority);
        self.tags.push(task.tags.iter().map(String::as_str).collect());
        self.due_ats.push(task.due_at);
    }
}
