//! What goes in and comes out.

use crate::ApiError;
use crate::extract::{Fields, Json};
use crate::page::Window;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::jobs::{AttemptError, Filter, JobRow, State};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What an owner is told of an error whose text is for operators alone.
const INTERNAL_ERROR: &str = "Something went wrong on our side.";

/// Seconds that a request may wait at most. With a last look at a busy database it stays below the time limit of
/// requests.
const LONGEST_WAIT: i64 = 20;

/// A background job.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::routes) struct JobOut {
    pub(super) id: Uuid,
    #[schema(example = "export_tasks")]
    kind: String,
    state: StateOut,
    /// It was called off. One that runs stops soon, unless it ends before.
    cancel_requested: bool,
    /// Attempts started so far.
    attempt: i32,
    max_attempts: i32,
    /// Per cent; `null` when the kind reports none.
    progress: Option<i16>,
    /// What the job returned; `null` until it succeeds.
    result: Option<serde_json::Value>,
    /// Why attempts failed, oldest first.
    errors: Vec<AttemptErrorOut>,
    run_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::routes) enum StateOut {
    Available,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// Why one attempt failed.
#[derive(Debug, Serialize, ToSchema)]
struct AttemptErrorOut {
    attempt: i32,
    at: DateTime<Utc>,
    error: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct ListJobs {
    /// Exactly this kind.
    kind: Option<String>,
    /// Exactly this state.
    state: Option<StateOut>,
    /// Jobs on the page, 1 to 100; 50 when not given.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct GetJob {
    /// Seconds to wait for the job's end, 0 to 20. The answer comes as soon as it has ended, else after this time, with
    /// the job as it is then.
    wait: Option<i64>,
}

/// `202` with the job and where to look after it.
pub(in crate::routes) struct Accepted(JobOut);

impl Accepted {
    pub(in crate::routes) fn at(job: JobRow) -> Self {
        Self(JobOut::from(job))
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = format!("/v1/jobs/{}", self.0.id);
        (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(self.0)).into_response()
    }
}

impl ListJobs {
    pub(super) fn parse(self) -> Result<(Filter, Window), ApiError> {
        let mut fields = Fields::default();
        if let Some(kind) = &self.kind {
            fields.text("kind", kind, 1..=100);
        }
        fields.check()?;
        let window = Window::parse(self.limit, self.cursor.as_deref())?;
        Ok((Filter { kind: self.kind, state: self.state.map(State::from) }, window))
    }
}

impl GetJob {
    pub(super) fn parse(self) -> Result<Duration, ApiError> {
        let seconds = self.wait.unwrap_or(0);
        let mut fields = Fields::default();
        fields.number("wait", seconds, 0..=LONGEST_WAIT);
        fields.check()?;
        Ok(Duration::from_secs(seconds.unsigned_abs()))
    }
}

impl From<JobRow> for JobOut {
    fn from(job: JobRow) -> Self {
        Self {
            id: job.id.0,
            kind: job.kind,
            state: job.state.into(),
            cancel_requested: job.cancel_requested,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            progress: job.progress,
            result: job.result,
            errors: job.errors.0.into_iter().map(AttemptErrorOut::from).collect(),
            run_at: job.run_at,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}

impl From<State> for StateOut {
    fn from(state: State) -> Self {
        match state {
            State::Available => Self::Available,
            State::Running => Self::Running,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<StateOut> for State {
    fn from(state: StateOut) -> Self {
        match state {
            StateOut::Available => Self::Available,
            StateOut::Running => Self::Running,
            StateOut::Succeeded => Self::Succeeded,
            StateOut::Failed => Self::Failed,
            StateOut::Cancelled => Self::Cancelled,
        }
    }
}

impl From<AttemptError> for AttemptErrorOut {
    fn from(error: AttemptError) -> Self {
        let error_text = if error.internal { INTERNAL_ERROR.to_owned() } else { error.error };
        Self { attempt: error.attempt, at: error.at, error: error_text }
    }
}
