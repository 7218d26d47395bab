//! Jobs, as their owner sees them.

use crate::extract::{Caller, Id, Json, Query};
use crate::page::{Page, Window};
use crate::{ApiError, AppState};
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use shared::jobs::{self, AttemptError, JobRow};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What an owner is told of an error whose text is for operators alone.
const INTERNAL_ERROR: &str = "Something went wrong on our side.";

/// A background job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobOut {
    id: Uuid,
    #[schema(example = "export_tasks")]
    kind: String,
    state: StateOut,
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
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateOut {
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
pub(super) struct ListJobs {
    /// Jobs on the page, 1 to 100; 50 when not given.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// `202` with the job and where to look after it.
pub(super) struct Accepted(JobOut);

impl Accepted {
    pub(super) fn at(job: JobRow) -> Self {
        Self(JobOut::from(job))
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = format!("/v1/jobs/{}", self.0.id);
        (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(self.0)).into_response()
    }
}

/// Lists the caller's jobs, newest first.
#[utoipa::path(
    get,
    path = "/v1/jobs",
    tag = "jobs",
    params(ListJobs),
    security(("token" = [])),
    responses(
        (status = 200, body = Page<JobOut>),
    ),
)]
pub(super) async fn list_jobs(
    State(state): State<AppState>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query(list): Query<ListJobs>,
) -> Result<(AppendHeaders<Option<(HeaderName, HeaderValue)>>, Json<Page<JobOut>>), ApiError> {
    let window = Window::parse(list.limit, list.cursor.as_deref())?;
    let mut db = state.db.acquire().await?;
    let rows = jobs::page(&mut db, caller.id, window.before.map(JobId), window.rows()).await?;
    let page = window.page(rows.into_iter().map(JobOut::from).collect(), |job: &JobOut| job.id);
    Ok((AppendHeaders(page.link(&uri)), Json(page)))
}

/// Returns one of the caller's jobs.
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}",
    tag = "jobs",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 200, body = JobOut),
    ),
)]
pub(super) async fn get_job(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<JobOut>, ApiError> {
    let mut db = state.db.acquire().await?;
    let job = jobs::find(&mut db, caller.id, JobId(id)).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(job.into()))
}

impl From<JobRow> for JobOut {
    fn from(job: JobRow) -> Self {
        Self {
            id: job.id.0,
            kind: job.kind,
            state: job.state.into(),
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

impl From<jobs::State> for StateOut {
    fn from(state: jobs::State) -> Self {
        match state {
            jobs::State::Available => Self::Available,
            jobs::State::Running => Self::Running,
            jobs::State::Succeeded => Self::Succeeded,
            jobs::State::Failed => Self::Failed,
            jobs::State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<AttemptError> for AttemptErrorOut {
    fn from(error: AttemptError) -> Self {
        let error_text = if error.internal { INTERNAL_ERROR.to_owned() } else { error.error };
        Self { attempt: error.attempt, at: error.at, error: error_text }
    }
}
