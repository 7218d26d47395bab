//! Tasks: the domain that Errand ships with.

mod create_many;
mod events;
mod page;
mod rules;
mod write;

pub use create_many::create_many;
pub use events::{created, deleted, updated};
pub use page::{Filter, page};
pub use rules::PRIORITIES;
pub use write::{Deleted, create, create_alone, delete, delete_alone, update, update_alone};

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

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::InProgress, Self::Done];

    /// The word for it, wherever it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Done => "done",
        }
    }
}

/// One task; webhooks see it as the API shows it.
#[derive(Clone, Debug, Serialize)]
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
    #[serde(skip)]
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

/// Finds one of an owner's tasks.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.tasks.find", skip_all)]
pub async fn find(db: &mut PgConnection, owner: OwnerId, id: TaskId) -> Result<Option<Task>, sqlx::Error> {
    sqlx::query_file_as!(Task, "src/tasks/find.sql", owner.0, id.0).fetch_optional(db).await
}
