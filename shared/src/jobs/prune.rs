//! Finished jobs, deleted when they are old: in small steps, each a transaction of its own.

use crate::clock::Clock;
use sqlx::PgConnection;
use std::time::Duration;

/// Between two laps through the jobs.
const REST: Duration = Duration::from_hours(1);

const DAY: Duration = Duration::from_hours(24);

/// How long finished jobs are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// Those that succeeded.
    pub succeeded: Duration,
    /// Those that failed or were cancelled.
    pub failed: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { succeeded: 14 * DAY, failed: 30 * DAY }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pruned {
    /// Jobs that are gone.
    pub deleted: u64,
    /// There is more to look at in this lap.
    pub goes_on: bool,
}

/// Looks at the next `rows` jobs and deletes those that finished longer ago than they are kept, with what belongs to
/// them. Jobs are kept whose keys are held. Safe with several at once: one of them works. After a lap through all jobs it
/// does nothing for an hour.
///
/// # Errors
/// When the database refuses or cannot be reached; then nothing is deleted.
#[tracing::instrument(level = "debug", name = "db.jobs.prune", skip_all)]
pub async fn prune(
    db: &mut PgConnection,
    rows: u32,
    retention: Retention,
    clock: &Clock,
) -> Result<Pruned, sqlx::Error> {
    let step = sqlx::query_file!(
        "src/jobs/prune.sql",
        clock.offset_seconds(),
        i64::from(rows),
        retention.succeeded.as_secs_f64(),
        retention.failed.as_secs_f64(),
        REST.as_secs_f64(),
    )
    .fetch_one(db)
    .await?;
    let deleted = u64::try_from(step.deleted).unwrap_or_default();
    Ok(Pruned { deleted, goes_on: step.moved && step.walked == i64::from(rows) })
}
