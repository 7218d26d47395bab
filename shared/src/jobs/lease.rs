//! Keeping jobs: one statement extends the leases of everything that a process runs.

use crate::clock::Clock;
use crate::ids::JobId;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// One running attempt, as the heartbeat sees it.
#[derive(Debug)]
pub(super) struct Beat {
    pub(super) id: JobId,
    pub(super) epoch: i32,
    pub(super) lease: Duration,
    pub(super) progress: Option<i16>,
}

/// Extends leases and returns the jobs that kept theirs, each with whether it was called off; the others are lost to this
/// process.
#[tracing::instrument(level = "debug", name = "db.jobs.heartbeat", skip_all, fields(jobs = beats.len()))]
pub(super) async fn heartbeat(
    db: &mut PgConnection,
    beats: &[Beat],
    clock: &Clock,
) -> Result<HashMap<JobId, bool>, sqlx::Error> {
    let ids: Vec<Uuid> = beats.iter().map(|beat| beat.id.0).collect();
    let epochs: Vec<i32> = beats.iter().map(|beat| beat.epoch).collect();
    let leases: Vec<f64> = beats.iter().map(|beat| beat.lease.as_secs_f64()).collect();
    let progress: Vec<Option<i16>> = beats.iter().map(|beat| beat.progress).collect();
    let kept = sqlx::query_file!(
        "src/jobs/heartbeat.sql",
        &ids,
        &epochs,
        &leases,
        &progress as &[Option<i16>],
        clock.offset_seconds(),
    )
    .fetch_all(db)
    .await?;
    Ok(kept.into_iter().map(|row| (JobId(row.id), row.cancel_requested)).collect())
}
