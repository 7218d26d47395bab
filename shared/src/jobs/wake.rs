//! Alarms that went off: jobs to notify (again), and attempts to rescue.

use super::claim::ABANDONED;
use super::notifier::Notice;
use super::{GRACE, LONGEST_GRACE};
use crate::clock::Clock;
use crate::ids::{JobId, OwnerId};
use sqlx::PgConnection;
use std::time::Duration;

/// Jobs that become due within this time are notified now, with the delay that is left: a tick a minute is enough to
/// start every job to the second.
const LOOK_AHEAD: Duration = Duration::from_mins(1);

/// What one round did.
#[derive(Debug, Default)]
pub struct Woken {
    /// What to send.
    pub notices: Vec<Notice>,
    /// Abandoned attempts whose jobs are available again.
    pub rescued: Vec<JobId>,
    /// Abandoned attempts that were the last of their jobs, which are failed now.
    pub exhausted: Vec<JobId>,
}

impl Woken {
    /// How many alarms were taken.
    #[must_use]
    pub fn alarms(&self) -> usize {
        self.notices.len() + self.exhausted.len()
    }
}

/// Takes up to `limit` alarms, oldest first. Safe with several at once: each skips what another holds. The alarms are
/// set anew before anything is sent, so a crash in between costs one grace and loses nothing.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.wake", skip_all)]
pub async fn wake(db: &mut PgConnection, limit: i64, clock: &Clock) -> Result<Woken, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/jobs/wake.sql",
        clock.offset_seconds(),
        limit,
        LOOK_AHEAD.as_secs_f64(),
        GRACE.as_secs_f64(),
        LONGEST_GRACE.as_secs_f64(),
        ABANDONED,
    )
    .fetch_all(db)
    .await?;
    let mut woken = Woken::default();
    for row in rows {
        let id = JobId(row.id);
        if row.state == "failed" {
            woken.exhausted.push(id);
            continue;
        }
        if row.rescued {
            woken.rescued.push(id);
        }
        let after = Duration::from_secs_f64(row.due_in.max(0.0));
        woken.notices.push(Notice::new(id, &row.kind, row.owner_id.map(OwnerId), after));
    }
    Ok(woken)
}
