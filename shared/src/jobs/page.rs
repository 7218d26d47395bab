//! Lists of jobs: filtered, newest first, a page at a time.

use super::row::{JobRow, State};
use crate::ids::{JobId, OwnerId};
use sqlx::PgConnection;

/// Which jobs are meant; an empty filter means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exactly this kind.
    pub kind: Option<String>,
    /// Exactly this state.
    pub state: Option<State>,
}

/// Returns up to `limit` of an owner's jobs that were written before the job `before`, newest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.page", skip_all)]
pub async fn page(
    db: &mut PgConnection,
    owner: OwnerId,
    filter: &Filter,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<JobRow>, sqlx::Error> {
    sqlx::query_file_as!(
        JobRow,
        "src/jobs/page.sql",
        owner.0,
        before.map(|job| job.0),
        filter.kind,
        filter.state as Option<State>,
        limit,
    )
    .fetch_all(db)
    .await
}

/// As [`page()`], of whosever jobs when no owner is named: for operators. A filter that few jobs meet makes it read many.
///
/// # Errors
/// When the database refuses, takes too long or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.page_any", skip_all)]
pub async fn page_any(
    db: &mut PgConnection,
    owner: Option<OwnerId>,
    filter: &Filter,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<JobRow>, sqlx::Error> {
    if let Some(owner) = owner {
        return page(db, owner, filter, before, limit).await;
    }
    sqlx::query_file_as!(
        JobRow,
        "src/jobs/page_any.sql",
        before.map(|job| job.0),
        filter.kind,
        filter.state as Option<State>,
        limit,
    )
    .fetch_all(db)
    .await
}
