//! The log of a webhook's deliveries, and sending one of them again.

use super::jobs::{Accepted, JobOut};
use super::webhooks::disabled;
use crate::extract::{Caller, Id, Ids, Json, Query};
use crate::page::{Page, Window};
use crate::problem::Problem;
use crate::{ApiError, AppState};
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::AppendHeaders;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{DeliveryId, WebhookId};
use shared::webhooks::{self, Delivery, DeliveryState, Replay};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// One event on its way to one webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryOut {
    /// What the receiver gets as `webhook-id`.
    id: Uuid,
    webhook_id: Uuid,
    #[schema(example = "task.created")]
    event_type: String,
    /// The body.
    payload: serde_json::Value,
    state: DeliveryStateOut,
    /// Calls made, those of replays included.
    attempts: i32,
    last_attempt_at: Option<DateTime<Utc>>,
    /// The HTTP status of the latest answer.
    last_status: Option<i32>,
    /// The beginning of its body.
    last_answer: Option<String>,
    /// What was wrong with the latest call; `null` when nothing was.
    last_error: Option<String>,
    last_duration_ms: Option<i64>,
    /// The job that delivers it, or did.
    job_id: Uuid,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

/// Where a delivery is in its life.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryState)]
enum DeliveryStateOut {
    Pending,
    Delivered,
    Failed,
    Cancelled,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListDeliveries {
    /// Deliveries on the page, 1 to 100; 50 when not given.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the deliveries of one of the caller's webhooks, newest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    params(("id" = Uuid, Path), ListDeliveries),
    security(("token" = [])),
    responses(
        (status = 200, body = Page<DeliveryOut>),
    ),
)]
pub(super) async fn list_webhook_deliveries(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    OriginalUri(uri): OriginalUri,
    Query(list): Query<ListDeliveries>,
) -> Result<(AppendHeaders<Option<(HeaderName, HeaderValue)>>, Json<Page<DeliveryOut>>), ApiError> {
    let window = Window::parse(list.limit, list.cursor.as_deref())?;
    let (webhook, before) = (WebhookId(id), window.before.map(DeliveryId));
    let mut db = state.db.acquire().await?;
    let rows = webhooks::deliveries(&mut db, caller.id, webhook, before, window.rows()).await?;
    // An empty log and no webhook look the same.
    if rows.is_empty() && webhooks::find(&mut db, caller.id, webhook).await?.is_none() {
        return Err(ApiError::NotFound);
    }
    let page = window.page(rows.into_iter().map(DeliveryOut::from).collect(), |delivery: &DeliveryOut| delivery.id);
    Ok((AppendHeaders(page.link(&uri)), Json(page)))
}

/// Sends a delivery that has ended once more, with the same `webhook-id`.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/deliveries/{delivery}/replay",
    tag = "webhooks",
    params(("id" = Uuid, Path), ("delivery" = Uuid, Path)),
    security(("token" = [])),
    responses(
        (status = 202, description = "The job that delivers it", body = JobOut, headers(("Location" = String))),
        (status = 409, description = "It is under way, or the webhook is disabled", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn replay_webhook_delivery(
    State(state): State<AppState>,
    caller: Caller,
    Ids(webhook, delivery): Ids,
) -> Result<Accepted, ApiError> {
    let mut tx = state.db.begin().await?;
    let replay = webhooks::replay(&mut tx, caller.id, WebhookId(webhook), DeliveryId(delivery), &state.clock).await?;
    let again = match replay {
        Replay::Again(enqueued) => enqueued,
        Replay::UnderWay => {
            return Err(ApiError::conflict("delivery", "under_way", "the delivery has not ended yet"));
        }
        Replay::Disabled => return Err(disabled()),
        Replay::Missing => return Err(ApiError::NotFound),
    };
    tx.commit().await?;
    state.notifier.notify(again.notice).await;
    Ok(Accepted::at(again.row))
}

impl From<Delivery> for DeliveryOut {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.0,
            webhook_id: delivery.endpoint_id.0,
            event_type: delivery.event_type,
            payload: delivery.payload,
            state: match delivery.state {
                DeliveryState::Pending => DeliveryStateOut::Pending,
                DeliveryState::Delivered => DeliveryStateOut::Delivered,
                DeliveryState::Failed => DeliveryStateOut::Failed,
                DeliveryState::Cancelled => DeliveryStateOut::Cancelled,
            },
            attempts: delivery.attempts,
            last_attempt_at: delivery.last_attempt_at,
            last_status: delivery.last_status,
            last_answer: delivery.last_answer,
            last_error: delivery.last_error,
            last_duration_ms: delivery.last_duration_ms,
            job_id: delivery.job_id.0,
            created_at: delivery.created_at,
            finished_at: delivery.finished_at,
        }
    }
}
