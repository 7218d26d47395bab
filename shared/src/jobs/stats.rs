//! How many jobs wait, run and ended, by kind.

use super::GRACE;
use crate::clock::Clock;
use sqlx::PgConnection;
use std::time::Duration;

/// There is no worker for a kind that none has named for so long.
const FORGOTTEN: Duration = Duration::from_hours(24);

/// The unfinished jobs of one kind, in one version of its payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KindStats {
    /// Which code runs them.
    pub kind: String,
    /// The payload's version.
    pub version: i16,
    /// How many are due and wait for a worker.
    pub available: i64,
    /// How many wait for their time.
    pub scheduled: i64,
    /// Of how many an attempt is under way.
    pub running: i64,
    /// For how long the oldest of those that are due is due; `None` when none is.
    pub oldest_due: Option<Duration>,
    /// How many of those that are due wait in vain: no worker has named their kind and version for a day.
    pub unsupported: i64,
}

/// The jobs of one kind that ended within a time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndedStats {
    /// Which code ran them.
    pub kind: String,
    /// How many were done.
    pub succeeded: i64,
    /// How many were given up.
    pub failed: i64,
    /// How many were called off.
    pub cancelled: i64,
}

/// Counts the unfinished jobs, by kind and version. Its cost grows with their number, not with that of finished ones.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.stats", skip_all)]
pub async fn stats(db: &mut PgConnection, clock: &Clock) -> Result<Vec<KindStats>, sqlx::Error> {
    count(db, None, clock).await
}

/// As [`stats`], for each minute's tick: it counts no more than `limit` jobs, those with the earliest alarms.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.stats", skip_all)]
pub async fn stats_up_to(db: &mut PgConnection, limit: u32, clock: &Clock) -> Result<Vec<KindStats>, sqlx::Error> {
    count(db, Some(limit.into()), clock).await
}

async fn count(db: &mut PgConnection, limit: Option<i64>, clock: &Clock) -> Result<Vec<KindStats>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/jobs/stats.sql",
        clock.offset_seconds(),
        limit as Option<i64>,
        GRACE.as_secs_f64(),
        FORGOTTEN.as_secs_f64(),
    )
    .fetch_all(db)
    .await?;
    let counted = rows.into_iter().map(|row| KindStats {
        kind: row.kind,
        version: row.version,
        available: row.available,
        scheduled: row.scheduled,
        running: row.running,
        oldest_due: row.oldest_due.map(|seconds| Duration::from_secs_f64(seconds.max(0.0))),
        unsupported: row.unsupported,
    });
    Ok(counted.collect())
}

/// Counts the jobs that ended within a time, by kind. It reads the whole table, so it is for people who ask, not for
/// each tick.
///
/// # Errors
/// When the database refuses, takes too long or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.stats_ended", skip_all)]
pub async fn stats_ended(
    db: &mut PgConnection,
    within: Duration,
    clock: &Clock,
) -> Result<Vec<EndedStats>, sqlx::Error> {
    sqlx::query_file_as!(EndedStats, "src/jobs/stats_ended.sql", clock.offset_seconds(), within.as_secs_f64())
        .fetch_all(db)
        .await
}
