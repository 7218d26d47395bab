//! Endpoints: where an owner wants events sent.

use super::{EventType, Secret};
use crate::ids::{OwnerId, WebhookId};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

/// Endpoints of one owner at most: each costs a delivery and a job for each event.
pub const MOST_ENDPOINTS: i64 = 10;

/// How long the secret before the latest rotation goes on signing beside the new one.
pub const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Whether events are sent there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum EndpointState {
    /// They are.
    Enabled,
    /// They are not; events of that time are not made up for.
    Disabled,
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DisabledReason {
    /// Its owner wanted it.
    Owner,
    /// It answered `410 Gone`.
    Gone,
    /// It failed for longer than [`PATIENCE`](super::PATIENCE).
    Failing,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Sorts by time of creation.
    pub id: WebhookId,
    /// Where to.
    pub url: String,
    /// The names of the events it hears of.
    pub event_types: Vec<String>,
    /// Whether events are sent there.
    pub state: EndpointState,
    /// Why they are not.
    pub disabled_reason: Option<DisabledReason>,
    /// Failed calls since the last one that succeeded.
    pub failures: i32,
    /// When the first of these was.
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when the secret before the latest rotation signs too.
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When its owner last changed it.
    pub updated_at: DateTime<Utc>,
}

/// What a new endpoint is made of.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// See [`Endpoint::url`].
    pub url: String,
    /// See [`Endpoint::event_types`].
    pub event_types: Vec<EventType>,
    /// Signs what is sent there.
    pub secret: Secret,
}

/// What to change of an endpoint; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// See [`Endpoint::url`].
    pub url: Option<String>,
    /// See [`Endpoint::event_types`].
    pub event_types: Option<Vec<EventType>>,
    /// See [`Endpoint::state`].
    pub state: Option<EndpointState>,
}

/// Why an endpoint was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The owner has [`MOST_ENDPOINTS`] already.
    #[error("the owner has as many endpoints as one may have")]
    TooMany,
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
}

/// Registers an endpoint. It must run in a transaction: the owner's row is locked, so that two requests at once count
/// each other.
///
/// # Errors
/// [`CreateError::TooMany`] when the owner has enough.
#[tracing::instrument(level = "debug", name = "db.webhooks.create", skip_all)]
pub async fn create(
    db: &mut PgConnection,
    owner: OwnerId,
    id: WebhookId,
    endpoint: &NewEndpoint,
    now: DateTime<Utc>,
) -> Result<Endpoint, CreateError> {
    // A statement of its own: the count below must see what was committed while this one waited.
    sqlx::query!("select from users where id = $1 for no key update", owner.0).fetch_optional(&mut *db).await?;
    let created = sqlx::query_file_as!(
        Endpoint,
        "src/webhooks/create.sql",
        owner.0,
        id.0,
        endpoint.url,
        &EventType::names(&endpoint.event_types),
        endpoint.secret.bytes(),
        now,
        MOST_ENDPOINTS,
    )
    .fetch_optional(db)
    .await?;
    created.ok_or(CreateError::TooMany)
}

/// Finds one of an owner's endpoints.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.find", skip_all)]
pub async fn find(db: &mut PgConnection, owner: OwnerId, id: WebhookId) -> Result<Option<Endpoint>, sqlx::Error> {
    sqlx::query_file_as!(Endpoint, "src/webhooks/find.sql", owner.0, id.0).fetch_optional(db).await
}

/// Returns up to `limit` of an owner's endpoints that were made before the endpoint `before`, newest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.page", skip_all)]
pub async fn page(
    db: &mut PgConnection,
    owner: OwnerId,
    before: Option<WebhookId>,
    limit: i64,
) -> Result<Vec<Endpoint>, sqlx::Error> {
    let before = before.map(|endpoint| endpoint.0);
    sqlx::query_file_as!(Endpoint, "src/webhooks/page.sql", owner.0, before, limit).fetch_all(db).await
}

/// Changes one of an owner's endpoints; `None` when there is no such endpoint. To enable it, or to give it another URL,
/// makes its failures forgotten.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.update", skip_all)]
pub async fn update(
    db: &mut PgConnection,
    owner: OwnerId,
    id: WebhookId,
    changes: &Changes,
    now: DateTime<Utc>,
) -> Result<Option<Endpoint>, sqlx::Error> {
    let event_types = changes.event_types.as_deref().map(EventType::names);
    sqlx::query_file_as!(
        Endpoint,
        "src/webhooks/update.sql",
        owner.0,
        id.0,
        changes.url,
        event_types.as_deref(),
        changes.state as Option<EndpointState>,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Gives an endpoint a new secret; the one before goes on signing beside it for [`OVERLAP`], and one before that ends
/// now. `None` when there is no such endpoint.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.rotate_secret", skip_all)]
pub async fn rotate_secret(
    db: &mut PgConnection,
    owner: OwnerId,
    id: WebhookId,
    secret: &Secret,
    now: DateTime<Utc>,
) -> Result<Option<Endpoint>, sqlx::Error> {
    sqlx::query_file_as!(Endpoint, "src/webhooks/rotate_secret.sql", owner.0, id.0, secret.bytes(), now + OVERLAP, now,)
        .fetch_optional(db)
        .await
}

/// Deletes one of an owner's endpoints with the log of its deliveries, and tells whether there was one.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.delete", skip_all)]
pub async fn delete(db: &mut PgConnection, owner: OwnerId, id: WebhookId) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!("delete from webhook_endpoints where owner_id = $1 and id = $2", owner.0, id.0);
    Ok(deleted.execute(db).await?.rows_affected() == 1)
}
