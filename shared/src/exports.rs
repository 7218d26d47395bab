//! Exports: the job that makes one, and where the file of each finished one is.

use crate::ids::{JobId, OwnerId};
use crate::jobs::Payload;
use crate::tasks::Filter;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

/// The job that writes an owner's tasks to a file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ExportTasks {
    /// How the file is written.
    pub format: Format,
    /// Which tasks are in it.
    #[serde(default)]
    pub filter: Filter,
}

impl Payload for ExportTasks {
    const KIND: &'static str = "export_tasks";
}

/// How long a finished export can be downloaded; the bucket's lifecycle rule in `template.yaml` says the same.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// The job that deletes exports that are too old.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ExpireExports {
    /// Exports that were finished earlier than this go.
    pub finished_before: DateTime<Utc>,
}

impl ExpireExports {
    /// Makes the job for what is too old at a time.
    #[must_use]
    pub fn at(time: DateTime<Utc>) -> Self {
        Self { finished_before: time - LIFETIME }
    }
}

impl Payload for ExpireExports {
    const KIND: &'static str = "expire_exports";
}

/// How an export is written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// RFC 4180, with a header line; tags are a JSON array in one cell.
    Csv,
    /// One array of objects.
    Json,
}

impl Format {
    /// The media type of such a file.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// How such a file's name ends.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// One finished export.
#[derive(Debug)]
pub struct Export {
    /// Where its file is in the storage.
    pub object_key: String,
    /// The file's media type.
    pub content_type: String,
}

/// What to note of a finished export.
#[derive(Debug)]
pub struct NewExport<'a> {
    /// The job that made it.
    pub job_id: JobId,
    /// Whose it is.
    pub owner_id: OwnerId,
    /// Where its file is in the storage.
    pub object_key: &'a str,
    /// The file's media type.
    pub content_type: &'a str,
    /// Tasks in the file.
    pub rows: i64,
    /// Size of the file.
    pub bytes: i64,
}

/// Notes a finished export.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.exports.create", skip_all)]
pub async fn create(db: &mut PgConnection, export: &NewExport<'_>, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into exports (job_id, owner_id, object_key, content_type, rows, bytes, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        export.job_id.0,
        export.owner_id.0,
        export.object_key,
        export.content_type,
        export.rows,
        export.bytes,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds an owner's finished export by its job.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.exports.find", skip_all)]
pub async fn find(db: &mut PgConnection, owner: OwnerId, job: JobId) -> Result<Option<Export>, sqlx::Error> {
    sqlx::query_as!(
        Export,
        "select object_key, content_type from exports where owner_id = $1 and job_id = $2",
        owner.0,
        job.0,
    )
    .fetch_optional(db)
    .await
}

/// An export that is too old.
#[derive(Debug)]
pub struct Expired {
    /// The job that made it.
    pub job_id: JobId,
    /// Where its file is in the storage.
    pub object_key: String,
}

/// Returns up to `limit` exports of all owners that were finished before a time, oldest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.exports.expired", skip_all)]
pub async fn expired(db: &mut PgConnection, before: DateTime<Utc>, limit: i64) -> Result<Vec<Expired>, sqlx::Error> {
    sqlx::query_as!(
        Expired,
        r#"
        select job_id as "job_id: _", object_key
        from exports
        where created_at < $1
        order by created_at, job_id
        limit $2
        "#,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Deletes the rows of exports whose files are gone.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.exports.delete", skip_all)]
pub async fn delete(db: &mut PgConnection, expired: &[Expired]) -> Result<(), sqlx::Error> {
    let jobs: Vec<Uuid> = expired.iter().map(|export| export.job_id.0).collect();
    sqlx::query!("delete from exports where job_id = any($1)", &jobs).execute(db).await?;
    Ok(())
}
