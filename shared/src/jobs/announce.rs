//! Workers say what they run, so that jobs which nobody runs can be counted.

use super::registry::Supported;
use crate::clock::Clock;
use sqlx::PgConnection;
use std::time::Duration;

/// How often a worker process says so.
pub(super) const EVERY: Duration = Duration::from_hours(1);

/// Writes down that there is a worker for these kinds.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.job_kinds.announce", skip_all)]
pub(super) async fn announce(db: &mut PgConnection, supported: &Supported, clock: &Clock) -> Result<(), sqlx::Error> {
    sqlx::query_file!("src/jobs/announce.sql", &supported.kinds, &supported.versions, clock.offset_seconds())
        .execute(db)
        .await?;
    Ok(())
}
