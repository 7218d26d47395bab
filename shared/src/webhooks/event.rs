//! What owners can hear of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A kind of event. The names never change.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum EventType {
    /// A task was made.
    #[serde(rename = "task.created")]
    TaskCreated,
    /// A task was changed.
    #[serde(rename = "task.updated")]
    TaskUpdated,
    /// A task became done; comes beside the event of the change that did it.
    #[serde(rename = "task.completed")]
    TaskCompleted,
    /// A task was deleted.
    #[serde(rename = "task.deleted")]
    TaskDeleted,
    /// The file of an export is there.
    #[serde(rename = "export.finished")]
    ExportFinished,
    /// Somebody tries an endpoint out; nobody subscribes to it.
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl EventType {
    /// The name that receivers see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TaskCreated => "task.created",
            Self::TaskUpdated => "task.updated",
            Self::TaskCompleted => "task.completed",
            Self::TaskDeleted => "task.deleted",
            Self::ExportFinished => "export.finished",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// The names of several, as statements take them.
    #[must_use]
    pub fn names(kinds: &[Self]) -> Vec<String> {
        kinds.iter().map(|kind| kind.name().to_owned()).collect()
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    pub(super) kind: EventType,
    at: DateTime<Utc>,
    data: Value,
}

impl Event {
    /// Makes an event about something, as it was after the change.
    ///
    /// # Errors
    /// When that cannot be written as JSON.
    pub fn new(kind: EventType, at: DateTime<Utc>, data: &impl Serialize) -> Result<Self, sqlx::Error> {
        let data = serde_json::to_value(data).map_err(|error| sqlx::Error::Encode(error.into()))?;
        Ok(Self { kind, at, data })
    }

    /// The body that receivers get.
    pub(super) fn body(&self) -> Value {
        json!({ "type": self.kind.name(), "timestamp": self.at, "data": self.data })
    }
}
