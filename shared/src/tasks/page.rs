//! Lists of tasks: filtered, newest first, a page at a time.

use super::{Status, Task};
use crate::ids::{OwnerId, TaskId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Which tasks are meant; an empty filter means all.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Filter {
    /// Exactly this status.
    pub status: Option<Status>,
    /// Exactly this priority.
    pub priority: Option<i16>,
    /// Among the tags.
    pub tag: Option<String>,
    /// Due earlier than this.
    pub due_before: Option<DateTime<Utc>>,
    /// Due at this time or later.
    pub due_after: Option<DateTime<Utc>>,
    /// Somewhere in title or description, without regard to case.
    pub text: Option<String>,
}

/// Returns up to `limit` of an owner's tasks that were made before the task `before`, newest first. Each page is a
/// statement of its own, so a long walk holds no snapshot.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.page", skip_all)]
pub async fn page(
    db: &mut PgConnection,
    owner: OwnerId,
    filter: &Filter,
    before: Option<TaskId>,
    limit: i64,
) -> Result<Vec<Task>, sqlx::Error> {
    sqlx::query_file_as!(
        Task,
        "src/tasks/page.sql",
        owner.0,
        before.map(|task| task.0),
        filter.status as Option<Status>,
        filter.priority,
        filter.tag,
        filter.due_before,
        filter.due_after,
        filter.text.as_deref().map(contains_pattern),
        limit,
    )
    .fetch_all(db)
    .await
}

/// Turns what a user looks for into a pattern for `ilike`, in which nothing of it is special.
fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
