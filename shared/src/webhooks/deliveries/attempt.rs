//! What is noted of one attempt, on the delivery and on its endpoint.

use super::DeliveryState;
use crate::ids::{DeliveryId, JobId, OwnerId, WebhookId};
use crate::jobs::{Finish, Finished};
use crate::webhooks::PATIENCE;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Characters of an answer that are kept.
const LONGEST_ANSWER: usize = 1_000;

/// Characters of an error that are kept.
const LONGEST_ERROR: usize = 500;

/// What an attempt says of the endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Blame {
    /// It works: earlier failures are forgotten.
    Works,
    /// It failed. If the delivery is given up with this, and nothing has worked for [`PATIENCE`], it is disabled.
    Failed,
    /// It does not want to hear of anything any more, and is disabled.
    Gone,
    /// Nothing: the failure was on our side.
    Nothing,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What the delivery is now.
    pub state: DeliveryState,
    /// What it says of the endpoint.
    pub blame: Blame,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The answer's body; its beginning is kept.
    pub answer: Option<String>,
    /// What was wrong.
    pub error: Option<String>,
    /// How long the call took, if there was an answer.
    pub duration_ms: Option<u64>,
}

/// Notes an attempt that did not come through. The endpoint's row comes first, as it does when an endpoint is deleted with its deliveries, so
/// that the two cannot block each other.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.note", skip_all)]
pub async fn note(
    db: &mut PgConnection,
    owner: OwnerId,
    endpoint: WebhookId,
    id: DeliveryId,
    job: JobId,
    attempt: &Attempt,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    blame(db, owner, endpoint, attempt, now).await?;
    sqlx::query_file!(
        "src/webhooks/note.sql",
        owner.0,
        id.0,
        job.0,
        attempt.state as DeliveryState,
        attempt.status.map(i32::from),
        attempt.answer.as_deref().map(|answer| kept(answer, LONGEST_ANSWER)),
        attempt.error.as_deref().map(|error| kept(error, LONGEST_ERROR)),
        attempt.duration_ms.map(|duration| i64::try_from(duration).unwrap_or(i64::MAX)),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a delivery has come through, and ends its job, in one statement. The endpoint's row comes first here too.
///
/// # Errors
/// When another attempt has the job by now, or the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.delivered", skip_all)]
pub async fn delivered(
    db: &mut PgConnection,
    owner: OwnerId,
    endpoint: WebhookId,
    id: DeliveryId,
    attempt: &Attempt,
    now: DateTime<Utc>,
    finish: Finish,
) -> Result<Finished, sqlx::Error> {
    sqlx::query_file_scalar!(
        "src/webhooks/delivered.sql",
        finish.job,
        finish.epoch,
        finish.result,
        finish.seconds_ahead,
        owner.0,
        endpoint.0,
        id.0,
        attempt.status.map(i32::from),
        attempt.answer.as_deref().map(|answer| kept(answer, LONGEST_ANSWER)),
        attempt.duration_ms.map(|duration| i64::try_from(duration).unwrap_or(i64::MAX)),
        now,
    )
    .fetch_one(db)
    .await
}

/// Ends a delivery without a call.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.webhooks.cancel", skip_all)]
pub async fn cancel(
    db: &mut PgConnection,
    owner: OwnerId,
    id: DeliveryId,
    job: JobId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update webhook_deliveries set state = 'cancelled', finished_at = $4
         where owner_id = $1 and id = $2 and job_id = $3",
        owner.0,
        id.0,
        job.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn blame(
    db: &mut PgConnection,
    owner: OwnerId,
    endpoint: WebhookId,
    attempt: &Attempt,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    match attempt.blame {
        // An endpoint that works is noted together with the delivery that came through.
        Blame::Nothing | Blame::Works => {}
        Blame::Failed | Blame::Gone => {
            let is_given_up = attempt.state == DeliveryState::Failed;
            sqlx::query_file!(
                "src/webhooks/blame.sql",
                owner.0,
                endpoint.0,
                now,
                attempt.blame == Blame::Gone,
                is_given_up.then(|| now - PATIENCE),
            )
            .execute(db)
            .await?;
        }
    }
    Ok(())
}

/// Cuts a text from outside, and takes out what PostgreSQL refuses.
fn kept(text: &str, most: usize) -> String {
    text.chars().filter(|character| *character != '\0').take(most).collect()
}
