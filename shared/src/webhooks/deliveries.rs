//! Deliveries: one event on its way to one endpoint, and the log of it.

mod attempt;
mod prune;

pub use attempt::{Attempt, Blame, cancel, delivered, note};
pub use prune::{PruneDeliveries, prune_deliveries};

use super::{EndpointState, Secret, publish};
use crate::clock::Clock;
use crate::ids::{DeliveryId, JobId, OwnerId, WebhookId};
use crate::jobs::{self, Enqueued};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

/// Where a delivery is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be tried, for the first time or again.
    Pending,
    /// The receiver answered with a 2xx.
    Delivered,
    /// Given up.
    Failed,
    /// Its endpoint was disabled before, or its job was cancelled.
    Cancelled,
}

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What the receiver knows as `webhook-id`; sorts by time of creation.
    pub id: DeliveryId,
    /// Where to.
    pub endpoint_id: WebhookId,
    /// The event's name.
    pub event_type: String,
    /// The body.
    pub payload: Value,
    /// The job that delivers it, or did.
    pub job_id: JobId,
    /// Where it is in its life.
    pub state: DeliveryState,
    /// Calls made, those of replays included.
    pub attempts: i32,
    /// When the latest call was.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// The HTTP status of the latest answer.
    pub last_status: Option<i32>,
    /// The beginning of its body.
    pub last_answer: Option<String>,
    /// What was wrong with the latest call; `None` when nothing was.
    pub last_error: Option<String>,
    /// How long the latest call took.
    pub last_duration_ms: Option<i64>,
    /// When the event happened.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What a worker needs to make a delivery.
#[derive(Debug)]
pub struct Mission {
    /// Where to.
    pub endpoint: WebhookId,
    /// Whether events are sent there at all.
    pub endpoint_state: EndpointState,
    /// Its address.
    pub url: String,
    /// What signs: the current secret, then the one before while that is still in use.
    pub secrets: Vec<Secret>,
    /// The body.
    pub payload: Value,
}

/// What came of asking for a delivery once more.
#[derive(Debug)]
pub enum Replay {
    /// It is on its way.
    Again(Box<Enqueued>),
    /// It still is from before. Whatever was written is to be rolled back.
    UnderWay,
    /// Its endpoint is disabled.
    Disabled,
    /// The owner has no such delivery.
    Missing,
}

/// Returns up to `limit` deliveries of one of an owner's endpoints that were made before the delivery `before`, newest
/// first. One whose job ended without a word about it, because it was cancelled or its worker died too often, is shown
/// as ended.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.deliveries", skip_all)]
pub async fn deliveries(
    db: &mut PgConnection,
    owner: OwnerId,
    endpoint: WebhookId,
    before: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Delivery>, sqlx::Error> {
    let before = before.map(|delivery| delivery.0);
    sqlx::query_file_as!(Delivery, "src/webhooks/deliveries.sql", owner.0, endpoint.0, before, limit)
        .fetch_all(db)
        .await
}

/// Enqueues a finished delivery once more, under the same id. It must run in a transaction.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.replay", skip_all)]
pub async fn replay(
    db: &mut PgConnection,
    owner: OwnerId,
    endpoint: WebhookId,
    id: DeliveryId,
    clock: &Clock,
) -> Result<Replay, sqlx::Error> {
    let found = sqlx::query_file!("src/webhooks/replayable.sql", owner.0, endpoint.0, id.0);
    let Some(found) = found.fetch_optional(&mut *db).await? else { return Ok(Replay::Missing) };
    if found.is_under_way {
        return Ok(Replay::UnderWay);
    }
    if found.endpoint_state == EndpointState::Disabled {
        return Ok(Replay::Disabled);
    }
    let again = jobs::enqueue(&mut *db, publish::job(owner, id)?, clock).await?;
    // Of two at once, one finds the job that it saw replaced.
    let replaced = sqlx::query!(
        "update webhook_deliveries set state = 'pending', finished_at = null, job_id = $4
         where owner_id = $1 and id = $2 and job_id = $3",
        owner.0,
        id.0,
        found.job_id,
        again.row.id.0,
    );
    let is_ours = replaced.execute(db).await?.rows_affected() == 1;
    Ok(if is_ours { Replay::Again(Box::new(again)) } else { Replay::UnderWay })
}

/// Returns what a job needs to make a delivery; `None` when the delivery is gone with its endpoint, or another job has
/// taken it over.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.mission", skip_all)]
pub async fn mission(
    db: &mut PgConnection,
    owner: OwnerId,
    id: DeliveryId,
    job: JobId,
    now: DateTime<Utc>,
) -> Result<Option<Mission>, sqlx::Error> {
    let found = sqlx::query_file!("src/webhooks/mission.sql", owner.0, id.0, job.0, now).fetch_optional(db).await?;
    Ok(found.map(|row| Mission {
        endpoint: row.endpoint_id,
        endpoint_state: row.endpoint_state,
        url: row.url,
        secrets: [Some(row.secret), row.previous_secret].into_iter().flatten().map(Secret::from).collect(),
        payload: row.payload,
    }))
}
