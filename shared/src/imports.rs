//! Imports: the job that reads tasks from a file, how far each one has come, and which rows were refused.

mod errors;

pub use errors::{RowError, errors, note_errors};

use crate::db::constraint;
use crate::exports::Format;
use crate::ids::{JobId, OwnerId};
use crate::jobs::Payload;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

/// Bytes of a file at most. What a worker reads at once does not depend on it; it bounds how long one client can keep
/// workers busy, and what a folder has to hold.
pub const LARGEST_FILE: u64 = 100_000_000;

/// The job that reads an owner's tasks from a file. The file itself is in the storage.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ImportTasks {
    /// Where the file is.
    pub object_key: String,
    /// Which state of the file is meant; another one is refused.
    pub version: Option<String>,
    /// Size of the file.
    pub bytes: u64,
    /// How the file is written.
    pub format: Format,
}

impl Payload for ImportTasks {
    const KIND: &'static str = "import_tasks";
}

/// Where a file that an owner hands in is kept. The owner is part of it, so nobody reaches what another has handed in.
#[must_use]
pub fn object_key(owner: OwnerId, file: Uuid) -> String {
    format!("imports/{owner}/{file}")
}

/// Why an import was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The file has an import already.
    #[error("the file has an import already")]
    FileTaken,
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Sqlx(sqlx::Error),
}

/// Notes an import that is about to start.
///
/// # Errors
/// [`CreateError::FileTaken`] when the file has an import already.
#[tracing::instrument(level = "debug", name = "db.imports.create", skip_all)]
pub async fn create(
    db: &mut PgConnection,
    owner: OwnerId,
    job: JobId,
    import: &ImportTasks,
    now: DateTime<Utc>,
) -> Result<(), CreateError> {
    let bytes = i64::try_from(import.bytes).unwrap_or(i64::MAX);
    sqlx::query!(
        "insert into imports (job_id, owner_id, object_key, format, bytes, rows, imported, refused, created_at)
         values ($1, $2, $3, $4, $5, 0, 0, 0, $6)",
        job.0,
        owner.0,
        import.object_key,
        import.format.extension(),
        bytes,
        now,
    )
    .execute(db)
    .await
    .map_err(|error| match constraint(&error) {
        Some("imports_object_key") => CreateError::FileTaken,
        _ => CreateError::Sqlx(error),
    })?;
    Ok(())
}

/// How many rows an import has read, and what became of them.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Rows read.
    pub rows: i64,
    /// Of these, rows that are tasks now.
    pub imported: i64,
    /// Of these, rows that were refused.
    pub refused: i64,
}

/// Notes how far an owner's import has come, and tells whether there is such an import.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.imports.advance", skip_all)]
pub async fn advance(db: &mut PgConnection, owner: OwnerId, job: JobId, counts: Counts) -> Result<bool, sqlx::Error> {
    let updated = sqlx::query!(
        "update imports set rows = $3, imported = $4, refused = $5 where owner_id = $1 and job_id = $2",
        owner.0,
        job.0,
        counts.rows,
        counts.imported,
        counts.refused,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}
