//! Webhooks: register, list, read, change, delete, try out. All of them the caller's own.

mod shapes;

use super::jobs::{Accepted, JobOut};
use crate::extract::{Caller, Id, Json, Query};
use crate::page::{Page, Window};
use crate::problem::Problem;
use crate::{ApiError, AppState};
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::AppendHeaders;
use serde::Deserialize;
use shapes::{WebhookIn, WebhookOut, WebhookPatch, WebhookWithSecret};
use shared::ids::WebhookId;
use shared::webhooks::{self, CreateError, MOST_ENDPOINTS, Secret, Test};
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListWebhooks {
    /// Webhooks on the page, 1 to 100; 50 when not given.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Registers a webhook. Its secret is shown here and at a rotation, and never again.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    security(("token" = [])),
    responses(
        (status = 201, body = WebhookWithSecret, headers(("Location" = String))),
        (status = 409, description = "The caller has 10 webhooks already", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn create_webhook(
    State(state): State<AppState>,
    caller: Caller,
    Json(webhook): Json<WebhookIn>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<WebhookWithSecret>), ApiError> {
    let webhook = webhook.parse(state.private_webhooks, Secret::generate()?)?;
    let mut tx = state.db.begin().await?;
    let created = webhooks::create(&mut tx, caller.id, WebhookId::new(), &webhook, state.clock.now()).await?;
    tx.commit().await?;
    let location = format!("/v1/webhooks/{}", created.id);
    let answer = WebhookWithSecret::new(created, &webhook.secret);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)))
}

/// Lists the caller's webhooks, newest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    params(ListWebhooks),
    security(("token" = [])),
    responses(
        (status = 200, body = Page<WebhookOut>),
    ),
)]
pub(super) async fn list_webhooks(
    State(state): State<AppState>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query(list): Query<ListWebhooks>,
) -> Result<(AppendHeaders<Option<(HeaderName, HeaderValue)>>, Json<Page<WebhookOut>>), ApiError> {
    let window = Window::parse(list.limit, list.cursor.as_deref())?;
    let mut db = state.db.acquire().await?;
    let rows = webhooks::page(&mut db, caller.id, window.before.map(WebhookId), window.rows()).await?;
    let page = window.page(rows.into_iter().map(WebhookOut::from).collect(), |webhook: &WebhookOut| webhook.id);
    Ok((AppendHeaders(page.link(&uri)), Json(page)))
}

/// Returns one of the caller's webhooks.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 200, body = WebhookOut),
    ),
)]
pub(super) async fn get_webhook(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<WebhookOut>, ApiError> {
    let mut db = state.db.acquire().await?;
    let webhook = webhooks::find(&mut db, caller.id, WebhookId(id)).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(webhook.into()))
}

/// Changes one of the caller's webhooks; fields that are not sent stay as they are. `"state": "enabled"` is also how
/// one that was disabled comes back.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 200, body = WebhookOut),
    ),
)]
pub(super) async fn update_webhook(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    Json(patch): Json<WebhookPatch>,
) -> Result<Json<WebhookOut>, ApiError> {
    let changes = patch.parse(state.private_webhooks)?;
    let mut db = state.db.acquire().await?;
    let webhook = webhooks::update(&mut db, caller.id, WebhookId(id), &changes, state.clock.now()).await?;
    Ok(Json(webhook.ok_or(ApiError::NotFound)?.into()))
}

/// Deletes one of the caller's webhooks, with the log of its deliveries; what is on its way is not sent any more.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 204, description = "The webhook is gone"),
    ),
)]
pub(super) async fn delete_webhook(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let mut db = state.db.acquire().await?;
    if webhooks::delete(&mut db, caller.id, WebhookId(id)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}

/// Gives a webhook a new secret. For 24 hours deliveries are signed with both, the new one first.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/rotate-secret",
    tag = "webhooks",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 200, body = WebhookWithSecret),
    ),
)]
pub(super) async fn rotate_webhook_secret(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<WebhookWithSecret>, ApiError> {
    let secret = Secret::generate()?;
    let mut db = state.db.acquire().await?;
    let rotated = webhooks::rotate_secret(&mut db, caller.id, WebhookId(id), &secret, state.clock.now()).await?;
    Ok(Json(WebhookWithSecret::new(rotated.ok_or(ApiError::NotFound)?, &secret)))
}

/// Sends the event `webhook.test` to a webhook, whatever else it hears of.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/test",
    tag = "webhooks",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 202, description = "The job that delivers it", body = JobOut, headers(("Location" = String))),
        (status = 409, description = "The webhook is disabled", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn test_webhook(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Accepted, ApiError> {
    let mut tx = state.db.begin().await?;
    let sent = match webhooks::test(&mut tx, caller.id, WebhookId(id), &state.clock).await? {
        Test::Sent(enqueued) => enqueued,
        Test::Disabled => return Err(disabled()),
        Test::Missing => return Err(ApiError::NotFound),
    };
    tx.commit().await?;
    state.notifier.notify(sent.notice).await;
    Ok(Accepted::at(sent.row))
}

/// Refuses to send something to a webhook that is disabled.
pub(super) fn disabled() -> ApiError {
    ApiError::conflict("state", "disabled", "the webhook is disabled; enable it first")
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::TooMany => {
                Self::conflict("url", "too_many", format!("there are {MOST_ENDPOINTS} webhooks, which is the limit"))
            }
            CreateError::Sqlx(error) => error.into(),
        }
    }
}
