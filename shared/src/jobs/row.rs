//! A job's row, as readers see it.

use super::Priority;
use crate::ids::{JobId, OwnerId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use std::fmt;

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Waits for its time or for a worker.
    Available,
    /// An attempt is under way.
    Running,
    /// Done; it has a result.
    Succeeded,
    /// Given up: discarded, or no attempt was left.
    Failed,
    /// Called off.
    Cancelled,
}

impl State {
    /// Tells whether nothing will become of the job any more, unless somebody takes it up again.
    #[must_use]
    pub fn is_finished(self) -> bool {
        match self {
            Self::Available | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Available => "available",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// Why one attempt failed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AttemptError {
    /// Which attempt, from 1.
    pub attempt: i32,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What it said.
    pub error: String,
    /// Whether that is for operators alone: an error that the kind's author did not word for the job's owner.
    #[serde(default)]
    pub internal: bool,
}

/// One job. As JSON it is what operators get.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JobRow {
    /// Sorts by time of creation.
    pub id: JobId,
    /// Which code runs it.
    pub kind: String,
    /// Whose it is; `None` for a job of the system.
    pub owner_id: Option<OwnerId>,
    /// Where it is in its life.
    pub state: State,
    /// Which jobs it goes before.
    pub priority: Priority,
    /// Attempts started so far.
    pub attempt: i32,
    /// Attempts it may have.
    pub max_attempts: i32,
    /// Per cent; `None` when the kind reports none.
    pub progress: Option<i16>,
    /// What it returned; `None` until it succeeds.
    pub result: Option<Value>,
    /// Why its attempts failed, oldest first.
    pub errors: Json<Vec<AttemptError>>,
    /// Whether it was called off; while it runs, it goes on until it notices.
    pub cancel_requested: bool,
    /// When it may start.
    pub run_at: DateTime<Utc>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When its latest attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Makes a [`JobRow`] of a row that has its columns and others.
macro_rules! job_row {
    ($row:expr) => {
        $crate::jobs::JobRow {
            id: $row.id,
            kind: $row.kind,
            owner_id: $row.owner_id,
            state: $row.state,
            priority: $row.priority,
            attempt: $row.attempt,
            max_attempts: $row.max_attempts,
            progress: $row.progress,
            result: $row.result,
            errors: $row.errors,
            cancel_requested: $row.cancel_requested,
            run_at: $row.run_at,
            created_at: $row.created_at,
            started_at: $row.started_at,
            finished_at: $row.finished_at,
        }
    };
}

pub(super) use job_row;
