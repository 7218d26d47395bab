//! Deliveries that are over for long: the log ends somewhere.

use crate::jobs::Payload;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

/// How long a delivery stays in the log, and can be replayed.
const LIFETIME: TimeDelta = TimeDelta::days(30);

/// The job that deletes deliveries that are too old.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PruneDeliveries {
    /// Deliveries of events before this go, unless they are still under way.
    pub created_before: DateTime<Utc>,
}

impl PruneDeliveries {
    /// Makes the job for what is too old at a time.
    #[must_use]
    pub fn at(time: DateTime<Utc>) -> Self {
        Self { created_before: time - LIFETIME }
    }
}

impl Payload for PruneDeliveries {
    const KIND: &'static str = "prune_deliveries";
}

/// Deletes up to `limit` deliveries that are over and of events before a time; returns how many there were. One whose job
/// ended without a word of it, because it was called off or its workers died, is over too.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhook_deliveries.prune", skip_all)]
pub async fn prune_deliveries(db: &mut PgConnection, before: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "delete from webhook_deliveries
         where id in (
             select id
             from webhook_deliveries as delivery
             where id < $1
                 and (
                     state <> 'pending'
                     or not exists (select from jobs where jobs.id = delivery.job_id and jobs.wake_at is not null)
                 )
             order by id
             limit $2
             for update
         )",
        first_of(before),
        limit,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Returns the smallest id that a delivery of this time can have: an id begins with the milliseconds of its time.
fn first_of(time: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(u128::try_from(time.timestamp_millis()).unwrap_or_default() << 80)
}
