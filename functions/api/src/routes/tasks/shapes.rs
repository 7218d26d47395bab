//! What goes in and comes out, and what is refused.

use crate::ApiError;
use crate::extract::{Fields, Nullable, given};
use crate::page::Window;
use chrono::{DateTime, Months, Utc};
use serde::{Deserialize, Serialize};
use shared::tasks::{Changes, Filter, NewTask, PRIORITIES, Status, Task};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How far ahead a reminder may be.
const REMINDER_REACH: Months = Months::new(5 * 12);

/// A new task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct TaskIn {
    /// 1 to 200 characters.
    #[schema(example = "Water the plants")]
    title: String,
    /// At most 10,000 characters.
    #[serde(default)]
    description: String,
    #[serde(default)]
    status: StatusIn,
    /// 0 to 9.
    #[serde(default)]
    priority: i16,
    /// At most 20, of 1 to 50 characters.
    #[serde(default)]
    tags: Vec<String>,
    due_at: Option<DateTime<Utc>>,
    /// When to send a mail about it: in the future, and within five years.
    remind_at: Option<DateTime<Utc>>,
}

/// Changes of a task; what is not sent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct TaskPatch {
    /// 1 to 200 characters.
    #[serde(default, deserialize_with = "given")]
    title: Option<String>,
    /// At most 10,000 characters.
    #[serde(default, deserialize_with = "given")]
    description: Option<String>,
    #[serde(default, deserialize_with = "given")]
    status: Option<StatusIn>,
    /// 0 to 9.
    #[serde(default, deserialize_with = "given")]
    priority: Option<i16>,
    /// At most 20, of 1 to 50 characters.
    #[serde(default, deserialize_with = "given")]
    tags: Option<Vec<String>>,
    /// `null` takes the date away.
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    due_at: Nullable<DateTime<Utc>>,
    /// In the future, and within five years; `null` takes the reminder away.
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    remind_at: Nullable<DateTime<Utc>>,
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::routes) struct TaskOut {
    pub(super) id: Uuid,
    title: String,
    description: String,
    status: StatusIn,
    priority: i16,
    tags: Vec<String>,
    due_at: Option<DateTime<Utc>>,
    /// When a mail about it is sent, unless it is done by then; stays when that has happened.
    remind_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// When it became done; `null` while it is not.
    completed_at: Option<DateTime<Utc>>,
    /// Counts the changes, from 1.
    version: i32,
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Status)]
pub(in crate::routes) enum StatusIn {
    #[default]
    Open,
    InProgress,
    Done,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct ListTasks {
    /// Exactly this status.
    status: Option<StatusIn>,
    /// Exactly this priority.
    priority: Option<i16>,
    /// Among the tags.
    tag: Option<String>,
    /// Due earlier than this.
    due_before: Option<DateTime<Utc>>,
    /// Due at this time or later.
    due_after: Option<DateTime<Utc>>,
    /// Somewhere in title or description, without regard to case.
    q: Option<String>,
    /// Tasks on the page, 1 to 100; 50 when not given.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl TaskIn {
    pub(super) fn parse(self, now: DateTime<Utc>) -> Result<NewTask, ApiError> {
        let task = NewTask {
            title: self.title,
            description: self.description,
            status: self.status.into(),
            priority: self.priority,
            tags: self.tags,
            due_at: self.due_at,
            remind_at: self.remind_at,
        };
        let mut fields = Fields::default();
        task.judge(&mut fields);
        check_remind_at(&mut fields, task.remind_at, now);
        fields.check()?;
        Ok(task)
    }
}

impl TaskPatch {
    pub(super) fn parse(self, now: DateTime<Utc>) -> Result<Changes, ApiError> {
        let changes = Changes {
            title: self.title,
            description: self.description,
            status: self.status.map(Into::into),
            priority: self.priority,
            tags: self.tags,
            due_at: self.due_at.0,
            remind_at: self.remind_at.0,
        };
        let mut fields = Fields::default();
        changes.judge(&mut fields);
        check_remind_at(&mut fields, changes.remind_at.flatten(), now);
        fields.check()?;
        Ok(changes)
    }
}

impl ListTasks {
    pub(super) fn parse(self) -> Result<(Filter, Window), ApiError> {
        let mut fields = Fields::default();
        if let Some(priority) = self.priority {
            fields.number("priority", priority.into(), PRIORITIES);
        }
        for (field, text) in [("tag", &self.tag), ("q", &self.q)] {
            if let Some(text) = text {
                fields.text(field, text, 1..=200);
            }
        }
        for (field, time) in [("due_before", self.due_before), ("due_after", self.due_after)] {
            if let Some(time) = time {
                fields.time(field, time);
            }
        }
        fields.check()?;
        let window = Window::parse(self.limit, self.cursor.as_deref())?;
        let filter = Filter {
            status: self.status.map(Into::into),
            priority: self.priority,
            tag: self.tag,
            due_before: self.due_before,
            due_after: self.due_after,
            text: self.q,
        };
        Ok((filter, window))
    }
}

fn check_remind_at(fields: &mut Fields, remind_at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    let Some(remind_at) = remind_at else { return };
    let is_near = now.checked_add_months(REMINDER_REACH).is_none_or(|furthest| remind_at <= furthest);
    if remind_at <= now || !is_near {
        fields.wrong("remind_at", "out_of_range", "must be in the future, and within five years");
    }
}

impl From<StatusIn> for Status {
    fn from(status: StatusIn) -> Self {
        match status {
            StatusIn::Open => Self::Open,
            StatusIn::InProgress => Self::InProgress,
            StatusIn::Done => Self::Done,
        }
    }
}

impl From<Status> for StatusIn {
    fn from(status: Status) -> Self {
        match status {
            Status::Open => Self::Open,
            Status::InProgress => Self::InProgress,
            Status::Done => Self::Done,
        }
    }
}

impl From<Task> for TaskOut {
    fn from(task: Task) -> Self {
        Self {
            id: task.id.0,
            title: task.title,
            description: task.description,
            status: task.status.into(),
            priority: task.priority,
            tags: task.tags,
            due_at: task.due_at,
            remind_at: task.remind_at,
            created_at: task.created_at,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
            version: task.version,
        }
    }
}
