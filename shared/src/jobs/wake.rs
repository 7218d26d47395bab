//! Alarms that went off: jobs to notify (again), and attempts to rescue.

use super::claim::ABANDONED;
use super::notifier::Notice;
use super::{GRACE, LONGEST_GRACE, SPACING};
use crate::clock::Clock;
use crate::ids::{JobId, OwnerId};
use crate::trace::Trace;
use sqlx::PgConnection;
use std::time::Duration;

/// The statement takes no more, whatever it is asked for.
const MOST: i64 = 1_000;

/// What one round did.
#[derive(Debug, Default)]
pub struct Woken {
    /// What to send.
    pub notices: Vec<Notice>,
    /// Abandoned attempts whose jobs are available again.
    pub rescued: Vec<JobId>,
    /// Abandoned attempts that were the last of their jobs, which are failed now.
    pub exhausted: Vec<JobId>,
    /// Abandoned attempts whose jobs had been called off, which are cancelled now.
    pub cancelled: Vec<JobId>,
}

impl Woken {
    /// Logs what became of abandoned attempts.
    pub fn log(&self) {
        for job in &self.rescued {
            tracing::warn!(job.id = %job, "Job {job} was abandoned by its worker and is available again");
        }
        for job in &self.exhausted {
            tracing::error!(
                error.code = "job_abandoned",
                job.id = %job,
                "Job {job} failed for good: its last attempt was abandoned",
            );
        }
        for job in &self.cancelled {
            tracing::info!(job.id = %job, "Job {job} is cancelled; its worker had abandoned it");
        }
    }

    /// How many alarms were taken.
    #[must_use]
    pub fn alarms(&self) -> usize {
        self.notices.len() + self.exhausted.len() + self.cancelled.len()
    }
}

/// Takes up to `limit` alarms, oldest first, and those of jobs that become due within `look_ahead`; never more than a
/// thousand. Safe with several at once: each skips what another holds. The alarms are set anew before anything is sent, so a
/// crash in between costs one grace and loses nothing.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.wake", skip_all)]
pub async fn wake(
    db: &mut PgConnection,
    limit: i64,
    look_ahead: Duration,
    clock: &Clock,
) -> Result<Woken, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/jobs/wake.sql",
        clock.offset_seconds(),
        limit.min(MOST),
        look_ahead.as_secs_f64(),
        GRACE.as_secs_f64(),
        LONGEST_GRACE.as_secs_f64(),
        ABANDONED,
        SPACING.as_secs_f64(),
    )
    .fetch_all(db)
    .await?;
    let mut woken = Woken::default();
    for row in rows {
        let id = JobId(row.id);
        match row.state.as_str() {
            "failed" => {
                woken.exhausted.push(id);
                continue;
            }
            "cancelled" => {
                woken.cancelled.push(id);
                continue;
            }
            _ => {}
        }
        if row.rescued {
            woken.rescued.push(id);
        }
        let after = Duration::from_secs_f64(row.due_in.max(0.0));
        let trace = row.trace_context.as_deref().and_then(Trace::from_traceparent);
        woken.notices.push(Notice::new(id, &row.kind, row.owner_id.map(OwnerId), after).part_of(trace));
    }
    Ok(woken)
}
