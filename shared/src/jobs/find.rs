//! Reading one job.

use super::JobRow;
use crate::ids::{JobId, OwnerId};
use serde_json::Value;
use sqlx::PgConnection;

/// Finds one of an owner's jobs.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.find", skip_all)]
pub async fn find(db: &mut PgConnection, owner: OwnerId, id: JobId) -> Result<Option<JobRow>, sqlx::Error> {
    sqlx::query_as!(
        JobRow,
        r#"
        select
            id as "id: _", kind, owner_id as "owner_id: _", state as "state: _", priority as "priority: _", attempt,
            max_attempts, progress, result, errors as "errors: _", cancel_requested, run_at, created_at, started_at,
            finished_at
        from jobs
        where owner_id = $1 and id = $2
        "#,
        owner.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Finds a job; a user's own when there is an owner, else whosever it is.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.find_any", skip_all)]
pub async fn find_any(db: &mut PgConnection, owner: Option<OwnerId>, id: JobId) -> Result<Option<JobRow>, sqlx::Error> {
    sqlx::query_as!(
        JobRow,
        r#"
        select
            id as "id: _", kind, owner_id as "owner_id: _", state as "state: _", priority as "priority: _", attempt,
            max_attempts, progress, result, errors as "errors: _", cancel_requested, run_at, created_at, started_at,
            finished_at
        from jobs
        where id = $2 and ($1::uuid is null or owner_id = $1)
        "#,
        owner.map(|owner| owner.0),
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns everything of a job's row, by column, as JSON: for operators, because the payload and internal errors are in
/// it.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.whole", skip_all)]
pub async fn whole(db: &mut PgConnection, id: JobId) -> Result<Option<Value>, sqlx::Error> {
    sqlx::query_scalar!(r#"select to_jsonb(jobs) as "row!" from jobs where id = $1"#, id.0).fetch_optional(db).await
}
