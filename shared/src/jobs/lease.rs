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

/// What a heartbeat found of an attempt that has its job still.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// Its lease is as long again.
    Kept,
    /// The same, and the job was called off.
    CalledOff,
    /// Somebody had locked the row, so nothing was written.
    Locked,
}

/// Extends leases and returns what it found of each job; those that are missing are lost to this process.
#[tracing::instrument(level = "debug", name = "db.jobs.heartbeat", skip_all, fields(jobs = beats.len()))]
pub(super) async fn heartbeat(
    db: &mut PgConnection,
    beats: &[Beat],
    clock: &Clock,
) -> Result<HashMap<JobId, Found>, sqlx::Error> {
    let ids: Vec<Uuid> = beats.iter().map(|beat| beat.id.0).collect();
    let epochs: Vec<i32> = beats.iter().map(|beat| beat.epoch).collect();
    let leases: Vec<f64> = beats.iter().map(|beat| beat.lease.as_secs_f64()).collect();
    let progress: Vec<Option<i16>> = beats.iter().map(|beat| beat.progress).collect();
    let rows = sqlx::query_file!(
        "src/jobs/heartbeat.sql",
        &ids,
        &epochs,
        &leases,
        &progress as &[Option<i16>],
        clock.offset_seconds(),
    )
    .fetch_all(db)
    .await?;
    let found = rows.into_iter().map(|row| {
        let found = match (row.is_kept, row.is_called_off) {
            (true, false) => Found::Kept,
            (true, true) => Found::CalledOff,
            (false, _) => Found::Locked,
        };
        (JobId(row.id), found)
    });
    Ok(found.collect())
}
