//! Exports: a job makes a file of the caller's tasks, which is then there for download.

use super::jobs::{Accepted, JobOut};
use super::tasks::StatusIn;
use crate::extract::{Caller, Fields, Id, Json};
use crate::problem::Problem;
use crate::{ApiError, AppState};
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::exports::{self, ExportTasks, Format};
use shared::ids::JobId;
use shared::jobs::{self, NewJob};
use shared::storage::Download;
use shared::tasks::{Filter, PRIORITIES};
use utoipa::ToSchema;

/// What to export, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportIn {
    format: FormatIn,
    /// Which tasks; all when not given.
    #[serde(default)]
    filter: FilterIn,
}

/// How the file is written.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FormatIn {
    Csv,
    Json,
}

/// Which tasks are meant; the fields have the meaning of the parameters of the list of tasks.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct FilterIn {
    status: Option<StatusIn>,
    priority: Option<i16>,
    tag: Option<String>,
    due_before: Option<DateTime<Utc>>,
    due_after: Option<DateTime<Utc>>,
    q: Option<String>,
}

impl ExportIn {
    fn parse(self) -> Result<ExportTasks, ApiError> {
        let mut fields = Fields::default();
        if let Some(priority) = self.filter.priority {
            fields.number("filter.priority", priority.into(), PRIORITIES);
        }
        for (field, text) in [("filter.tag", &self.filter.tag), ("filter.q", &self.filter.q)] {
            if let Some(text) = text {
                fields.text(field, text, 1..=200);
            }
        }
        let times = [("filter.due_before", self.filter.due_before), ("filter.due_after", self.filter.due_after)];
        for (field, time) in times {
            if let Some(time) = time {
                fields.time(field, time);
            }
        }
        fields.check()?;
        let format = match self.format {
            FormatIn::Csv => Format::Csv,
            FormatIn::Json => Format::Json,
        };
        let filter = Filter {
            status: self.filter.status.map(Into::into),
            priority: self.filter.priority,
            tag: self.filter.tag,
            due_before: self.filter.due_before,
            due_after: self.filter.due_after,
            text: self.filter.q,
        };
        Ok(ExportTasks { format, filter })
    }
}

/// Starts an export of the caller's tasks; the file is made in the background.
#[utoipa::path(
    post,
    path = "/v1/exports",
    tag = "exports",
    security(("token" = [])),
    responses(
        (status = 202, description = "The job that makes the file", body = JobOut, headers(("Location" = String))),
    ),
)]
pub(super) async fn create_export(
    State(state): State<AppState>,
    caller: Caller,
    Json(request): Json<ExportIn>,
) -> Result<Accepted, ApiError> {
    let job = NewJob::new(&request.parse()?)?.owned_by(caller.id);
    // The job's row is all there is to write: its statement is the transaction.
    let enqueued = {
        let mut db = state.db.acquire().await?;
        jobs::enqueue(&mut db, job, &state.clock).await?
    };
    state.notifier.notify(enqueued.notice).await;
    Ok(Accepted::at(enqueued.row))
}

/// Returns the file of a finished export: `303` to where it is, or the file itself.
#[utoipa::path(
    get,
    path = "/v1/exports/{id}/content",
    tag = "exports",
    params(("id" = Uuid, Path, description = "The export's job")),
    security(("token" = [])),
    responses(
        (status = 200, description = "The file", body = String, content_type = "text/csv"),
        (status = 303, description = "Where the file is, for five minutes", headers(("Location" = String))),
        (status = 404, description = "No such export, it is not finished, or it expired", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get_export_content(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let export = {
        let mut db = state.db.acquire().await?;
        exports::find(&mut db, caller.id, JobId(id)).await?.ok_or(ApiError::NotFound)?
    };
    match state.storage.download(&export.object_key).await? {
        Download::Link(url) => Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response()),
        Download::Stream { size, content } => {
            let name = export.object_key.rsplit('.').next().unwrap_or_default();
            let headers = [
                (header::CONTENT_TYPE, export.content_type),
                (header::CONTENT_LENGTH, size.to_string()),
                (header::CONTENT_DISPOSITION, format!("attachment; filename=\"tasks.{name}\"")),
            ];
            Ok((headers, Body::from_stream(content)).into_response())
        }
    }
}
