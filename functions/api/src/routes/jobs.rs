//! Jobs, as their owner sees them: list, look after, call off, take up again.

mod shapes;
mod wait;

pub(super) use shapes::{Accepted, JobOut, StateOut};

use crate::extract::{Caller, Id, Json, Query};
use crate::page::Page;
use crate::{ApiError, AppState, Stopping};
use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::AppendHeaders;
use shapes::{GetJob, ListJobs};
use shared::ids::JobId;
use shared::jobs::{self, Cancel, Retry};

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
    let (filter, window) = list.parse()?;
    let mut db = state.db.acquire().await?;
    let rows = jobs::page(&mut db, caller.id, &filter, window.before.map(JobId), window.rows()).await?;
    let page = window.page(rows.into_iter().map(JobOut::from).collect(), |job: &JobOut| job.id);
    Ok((AppendHeaders(page.link(&uri)), Json(page)))
}

/// Returns one of the caller's jobs, at once or when it has ended.
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}",
    tag = "jobs",
    params(("id" = Uuid, Path), GetJob),
    security(("token" = [])),
    responses(
        (status = 200, body = JobOut),
    ),
)]
pub(super) async fn get_job(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    Query(get): Query<GetJob>,
    stopping: Option<Extension<Stopping>>,
) -> Result<Json<JobOut>, ApiError> {
    let stopping = stopping.map(|Extension(stopping)| stopping);
    let job = wait::for_end(&state, caller.id, JobId(id), get.parse()?, stopping).await?;
    Ok(Json(job.into()))
}

/// Calls one of the caller's jobs off. One that waits is cancelled at once; one that runs is asked to stop, and may still
/// end before it does. A job that is cancelled already stays so.
#[utoipa::path(
    post,
    path = "/v1/jobs/{id}/cancel",
    tag = "jobs",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 200, description = "The job, cancelled or about to stop", body = JobOut),
    ),
)]
pub(super) async fn cancel_job(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<JobOut>, ApiError> {
    let mut db = state.db.acquire().await?;
    match jobs::cancel(&mut db, Some(caller.id), JobId(id), &state.clock).await? {
        Cancel::Cancelled(job) | Cancel::Requested(job) => Ok(Json(job.into())),
        Cancel::Finished(job) if job.state == jobs::State::Cancelled => Ok(Json(job.into())),
        Cancel::Finished(job) => Err(finished(job.state)),
        Cancel::Missing => Err(ApiError::NotFound),
    }
}

/// Takes one of the caller's jobs up again that failed or was cancelled; its next attempt goes on from what it has saved.
#[utoipa::path(
    post,
    path = "/v1/jobs/{id}/retry",
    tag = "jobs",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 202, description = "The job, which waits for its next attempt", body = JobOut, headers(("Location" = String))),
    ),
)]
pub(super) async fn retry_job(State(state): State<AppState>, caller: Caller, Id(id): Id) -> Result<Accepted, ApiError> {
    let retried = {
        let mut db = state.db.acquire().await?;
        jobs::retry(&mut db, Some(caller.id), JobId(id), &state.clock).await?
    };
    match retried {
        Retry::Again(enqueued) => {
            state.notifier.notify(enqueued.notice).await;
            Ok(Accepted::at(enqueued.row))
        }
        Retry::NotFailed(job) if job.state.is_finished() => Err(finished(job.state)),
        Retry::NotFailed(_) => Err(ApiError::conflict("state", "under_way", "The job has not ended yet.")),
        // Which one is not said: it may be somebody else's.
        Retry::Conflict(_) => {
            Err(ApiError::conflict("id", "taken", "Another job that does the same has not ended yet."))
        }
        Retry::Missing => Err(ApiError::NotFound),
    }
}

fn finished(state: jobs::State) -> ApiError {
    ApiError::conflict("state", "finished", format!("The job has {state} already."))
}
