//! From an event to its deliveries, in the transaction of the change.

use super::{DeliverWebhook, EndpointState, Event, EventType};
use crate::clock::Clock;
use crate::ids::{DeliveryId, OwnerId, WebhookId};
use crate::jobs::{self, Enqueued, NewJob, Notice};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// What came of trying an endpoint out.
#[derive(Debug)]
pub enum Test {
    /// The test is on its way.
    Sent(Box<Enqueued>),
    /// The endpoint is disabled.
    Disabled,
    /// The owner has no such endpoint.
    Missing,
}

/// An event on its way to one endpoint.
struct Parcel<'a> {
    id: DeliveryId,
    endpoint: WebhookId,
    event: &'a Event,
}

/// Writes a delivery and a job for each of the owner's enabled endpoints that hears of an event; the notices are to be
/// sent after the commit. One statement when nobody does, three when somebody does.
///
/// It belongs into the transaction of the change: the commit makes both, a rollback neither. Until then the endpoints
/// cannot be deleted.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn publish(
    db: &mut PgConnection,
    owner: OwnerId,
    events: &[Event],
    clock: &Clock,
) -> Result<Vec<Notice>, sqlx::Error> {
    let names: Vec<String> = events.iter().map(|event| event.kind.name().to_owned()).collect();
    let listeners = listeners(db, owner, &names).await?;
    let mut parcels = Vec::new();
    for (endpoint, heard) in listeners {
        let wanted = events.iter().filter(|event| heard.iter().any(|name| name == event.kind.name()));
        parcels.extend(wanted.map(|event| Parcel { id: DeliveryId::new(), endpoint, event }));
    }
    let enqueued = send(db, owner, &parcels, clock).await?;
    Ok(enqueued.into_iter().filter_map(|enqueued| enqueued.notice).collect())
}

/// Sends a `webhook.test` to one of the owner's endpoints, whatever else it hears of. It must run in a transaction.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.test", skip_all)]
pub async fn test(
    db: &mut PgConnection,
    owner: OwnerId,
    endpoint: WebhookId,
    clock: &Clock,
) -> Result<Test, sqlx::Error> {
    let state = sqlx::query_scalar!(
        r#"
        select state as "state: EndpointState"
        from webhook_endpoints
        where owner_id = $1 and id = $2
        for key share
        "#,
        owner.0,
        endpoint.0,
    );
    match state.fetch_optional(&mut *db).await? {
        Some(EndpointState::Enabled) => {
            let event = Event::new(EventType::WebhookTest, clock.now(), &json!({ "webhook_id": endpoint }))?;
            let parcel = Parcel { id: DeliveryId::new(), endpoint, event: &event };
            let sent = send(db, owner, &[parcel], clock).await?.pop();
            sent.map(|sent| Test::Sent(Box::new(sent))).ok_or(sqlx::Error::RowNotFound)
        }
        Some(EndpointState::Disabled) => Ok(Test::Disabled),
        None => Ok(Test::Missing),
    }
}

/// Makes the job of a delivery.
pub(super) fn job(owner: OwnerId, delivery: DeliveryId) -> Result<NewJob, sqlx::Error> {
    let job = NewJob::new(&DeliverWebhook { delivery }).map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok(job.owned_by(owner))
}

/// Returns the owner's enabled endpoints that hear of one of the events, each with all that it hears of.
#[tracing::instrument(level = "debug", name = "db.webhooks.listeners", skip_all)]
async fn listeners(
    db: &mut PgConnection,
    owner: OwnerId,
    events: &[String],
) -> Result<Vec<(WebhookId, Vec<String>)>, sqlx::Error> {
    let rows = sqlx::query_file!("src/webhooks/listeners.sql", owner.0, events).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.event_types)).collect())
}

#[tracing::instrument(level = "debug", name = "db.webhooks.send", skip_all, fields(deliveries = parcels.len()))]
async fn send(
    db: &mut PgConnection,
    owner: OwnerId,
    parcels: &[Parcel<'_>],
    clock: &Clock,
) -> Result<Vec<Enqueued>, sqlx::Error> {
    if parcels.is_empty() {
        return Ok(Vec::new());
    }
    let jobs = parcels.iter().map(|parcel| job(owner, parcel.id)).collect::<Result<Vec<NewJob>, _>>()?;
    let enqueued = jobs::enqueue_many(&mut *db, jobs, clock).await?;

    let ids: Vec<Uuid> = parcels.iter().map(|parcel| parcel.id.0).collect();
    let endpoints: Vec<Uuid> = parcels.iter().map(|parcel| parcel.endpoint.0).collect();
    let types: Vec<String> = parcels.iter().map(|parcel| parcel.event.kind.name().to_owned()).collect();
    let bodies: Vec<Value> = parcels.iter().map(|parcel| parcel.event.body()).collect();
    let job_ids: Vec<Uuid> = enqueued.iter().map(|enqueued| enqueued.row.id.0).collect();
    sqlx::query_file!("src/webhooks/send.sql", owner.0, &ids, &endpoints, &types, &bodies, &job_ids, clock.now(),)
        .execute(db)
        .await?;
    Ok(enqueued)
}
