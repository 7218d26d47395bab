//! Imports: a job makes tasks of the rows of a file.

mod body;

use super::jobs::{Accepted, JobOut};
use crate::error::FieldError;
use crate::extract::{Caller, Id, Json, Query};
use crate::page::{Page, Window};
use crate::{ApiError, AppState};
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::AppendHeaders;
use body::{ImportIn, UploadedIn};
use serde::{Deserialize, Serialize};
use shared::ids::{self, JobId};
use shared::imports::{self, CreateError, ImportTasks, LARGEST_FILE, RowError, object_key};
use shared::jobs::{self, NewJob};
use shared::storage::{Found, StorageError};
use tokio::io::AsyncWriteExt as _;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What was wrong with one field of a row.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportErrorOut {
    #[serde(skip)]
    number: i32,
    /// Counts the rows of the file, from 1; a header is not counted.
    row: i64,
    /// The field; empty when it is the row as a whole.
    field: String,
    #[schema(example = "too_long")]
    code: String,
    message: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListImportErrors {
    /// Mistakes on the page, 1 to 100; 50 when not given.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Starts an import of tasks: of the body, which is a CSV or JSON file of up to 1 MB, or of a file that was uploaded
/// before.
#[utoipa::path(
    post,
    path = "/v1/imports",
    tag = "imports",
    security(("token" = [])),
    request_body(
        content(
            (UploadedIn = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        ),
        description = "As JSON: a list of tasks, or an upload. Columns and fields are those of an export.",
    ),
    responses(
        (status = 202, description = "The job that makes the tasks", body = JobOut, headers(("Location" = String))),
    ),
)]
pub(super) async fn create_import(
    State(state): State<AppState>,
    caller: Caller,
    request: ImportIn,
) -> Result<Accepted, ApiError> {
    let import = match request {
        ImportIn::Uploaded(upload) => {
            let object_key = object_key(caller.id, upload.upload_id);
            let found = state.storage.find(&object_key).await.map_err(missing)?;
            check_size(found.size)?;
            ImportTasks { object_key, version: found.version, bytes: found.size, format: upload.format.into() }
        }
        ImportIn::Body(format, content) => {
            let object_key = object_key(caller.id, ids::anonymous());
            let mut file = state.storage.writer(&object_key)?;
            let written = async {
                file.write_all(&content).await?;
                file.shutdown().await
            };
            written.await.map_err(|error| ApiError::Unavailable(error.into()))?;
            let Found { size, version } = state.storage.find(&object_key).await?;
            ImportTasks { object_key, version, bytes: size, format }
        }
    };
    let job = NewJob::new(&import)?.owned_by(caller.id);
    let enqueued = {
        let mut tx = state.db.begin().await?;
        let enqueued = jobs::enqueue(&mut tx, job, &state.clock).await?;
        imports::create(&mut tx, caller.id, enqueued.row.id, &import, state.clock.now()).await?;
        tx.commit().await?;
        enqueued
    };
    state.notifier.notify(enqueued.notice).await;
    Ok(Accepted::at(enqueued.row))
}

/// Lists why rows of an import were refused, in the order of the file. The first 1,000 mistakes are kept; the result of
/// the job counts all rows that were refused.
#[utoipa::path(
    get,
    path = "/v1/imports/{id}/errors",
    tag = "imports",
    params(("id" = Uuid, Path, description = "The import's job"), ListImportErrors),
    security(("token" = [])),
    responses(
        (status = 200, body = Page<ImportErrorOut>),
    ),
)]
pub(super) async fn list_import_errors(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    OriginalUri(uri): OriginalUri,
    Query(list): Query<ListImportErrors>,
) -> Result<(AppendHeaders<Option<(HeaderName, HeaderValue)>>, Json<Page<ImportErrorOut>>), ApiError> {
    let window = Window::parse(list.limit, list.cursor.as_deref())?;
    // A cursor is an id everywhere; here it holds a number.
    let Ok(after) = window.before.map_or(Ok(0), |cursor| i32::try_from(cursor.as_u128())) else {
        return Err(ApiError::field("cursor", "not_allowed", "must be a next_cursor of an earlier page"));
    };
    let errors = {
        let mut db = state.db.acquire().await?;
        imports::errors(&mut db, caller.id, JobId(id), after, window.rows()).await?.ok_or(ApiError::NotFound)?
    };
    let errors = errors.into_iter().map(ImportErrorOut::from).collect();
    let page = window.page(errors, |error: &ImportErrorOut| Uuid::from_u128(error.number.unsigned_abs().into()));
    Ok((AppendHeaders(page.link(&uri)), Json(page)))
}

fn check_size(bytes: u64) -> Result<(), ApiError> {
    if bytes == 0 {
        return Err(ApiError::field("upload_id", "too_short", "the uploaded file is empty"));
    }
    if bytes > LARGEST_FILE {
        let message = format!("the uploaded file may have {LARGEST_FILE} bytes at most, and has {bytes}");
        return Err(ApiError::field("upload_id", "too_long", message));
    }
    Ok(())
}

/// An upload that is not there is a wrong field, not a wrong path.
fn missing(error: StorageError) -> ApiError {
    match error {
        StorageError::Gone => ApiError::field("upload_id", "not_allowed", "must be an upload whose file has arrived"),
        other => other.into(),
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::FileTaken => Self::Conflict(FieldError {
                field: "upload_id".to_owned(),
                code: "taken",
                message: "This upload has an import already.".to_owned(),
            }),
            CreateError::Sqlx(error) => error.into(),
        }
    }
}

impl From<RowError> for ImportErrorOut {
    fn from(error: RowError) -> Self {
        Self { number: error.number, row: error.row, field: error.field, code: error.code, message: error.message }
    }
}
