//! Tasks: create, list, read, change, delete. All of them the caller's own.

mod changes;
mod shapes;

pub(super) use shapes::StatusIn;

use crate::extract::{Caller, Id, Json, Query};
use crate::page::Page;
use crate::{ApiError, AppState};
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::AppendHeaders;
use shapes::{ListTasks, TaskIn, TaskOut, TaskPatch};
use shared::ids::TaskId;
use shared::tasks;

/// Creates a task.
#[utoipa::path(
    post,
    path = "/v1/tasks",
    tag = "tasks",
    security(("token" = [])),
    responses(
        (status = 201, body = TaskOut, headers(("Location" = String))),
    ),
)]
pub(super) async fn create_task(
    State(state): State<AppState>,
    caller: Caller,
    Json(task): Json<TaskIn>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<TaskOut>), ApiError> {
    let task = task.parse(state.clock.now())?;
    let task = changes::create(&state, caller.id, &task).await?;
    let location = format!("/v1/tasks/{}", task.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(task.into())))
}

/// Lists the caller's tasks, newest first.
#[utoipa::path(
    get,
    path = "/v1/tasks",
    tag = "tasks",
    params(ListTasks),
    security(("token" = [])),
    responses(
        (status = 200, body = Page<TaskOut>),
    ),
)]
pub(super) async fn list_tasks(
    State(state): State<AppState>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query(list): Query<ListTasks>,
) -> Result<(AppendHeaders<Option<(HeaderName, HeaderValue)>>, Json<Page<TaskOut>>), ApiError> {
    let (filter, window) = list.parse()?;
    let mut db = state.db.acquire().await?;
    let rows = tasks::page(&mut db, caller.id, &filter, window.before.map(TaskId), window.rows()).await?;
    let page = window.page(rows.into_iter().map(TaskOut::from).collect(), |task: &TaskOut| task.id);
    Ok((AppendHeaders(page.link(&uri)), Json(page)))
}

/// Returns one of the caller's tasks.
#[utoipa::path(
    get,
    path = "/v1/tasks/{id}",
    tag = "tasks",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 200, body = TaskOut),
    ),
)]
pub(super) async fn get_task(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<TaskOut>, ApiError> {
    let mut db = state.db.acquire().await?;
    let task = tasks::find(&mut db, caller.id, TaskId(id)).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(task.into()))
}

/// Changes one of the caller's tasks; fields that are not sent stay as they are.
#[utoipa::path(
    patch,
    path = "/v1/tasks/{id}",
    tag = "tasks",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 200, body = TaskOut),
    ),
)]
pub(super) async fn update_task(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    Json(patch): Json<TaskPatch>,
) -> Result<Json<TaskOut>, ApiError> {
    let changes = patch.parse(state.clock.now())?;
    let task = changes::update(&state, caller.id, TaskId(id), &changes).await?;
    Ok(Json(task.ok_or(ApiError::NotFound)?.into()))
}

/// Deletes one of the caller's tasks, and with it its reminder.
#[utoipa::path(
    delete,
    path = "/v1/tasks/{id}",
    tag = "tasks",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 204, description = "The task is gone"),
    ),
)]
pub(super) async fn delete_task(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    if changes::delete(&state, caller.id, TaskId(id)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}
