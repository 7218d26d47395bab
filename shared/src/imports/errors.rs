//! Why rows were refused: the first mistakes of each import.

use crate::fields::Mistake;
use crate::ids::{JobId, OwnerId};
use sqlx::PgConnection;

/// Mistakes that are kept of one import. Rows beyond are counted.
const MOST_KEPT: i32 = 1_000;

/// The field and the message of a mistake are cut to so many characters: they may repeat what is in the file.
const LONGEST_TEXT: usize = 200;

/// What was wrong with one field of a row.
#[derive(Clone, Debug)]
pub struct RowError {
    /// Counts the mistakes of the import, from 1.
    pub number: i32,
    /// Counts the rows of the file, from 1.
    pub row: i64,
    /// The field; empty when it is the row as a whole.
    pub field: String,
    /// Names the kind of mistake.
    pub code: String,
    /// The mistake in words.
    pub message: String,
}

/// Keeps the mistakes of further rows, each with the number of its row, and returns how many the import has kept now:
/// `kept` is how many it had before.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.imports.note_errors", skip_all)]
pub async fn note_errors(
    db: &mut PgConnection,
    job: JobId,
    kept: i32,
    mistakes: &[(i64, Mistake)],
) -> Result<i32, sqlx::Error> {
    let numbers: Vec<i32> = (kept + 1..=MOST_KEPT).take(mistakes.len()).collect();
    let Some(last) = numbers.last().copied() else { return Ok(kept) };
    let mistakes = mistakes.get(..numbers.len()).unwrap_or_default();
    let rows: Vec<i64> = mistakes.iter().map(|(row, _)| *row).collect();
    let fields: Vec<String> = mistakes.iter().map(|(_, mistake)| storable(&mistake.field)).collect();
    let codes: Vec<&str> = mistakes.iter().map(|(_, mistake)| mistake.code).collect();
    let messages: Vec<String> = mistakes.iter().map(|(_, mistake)| storable(&mistake.message)).collect();
    sqlx::query!(
        "insert into import_errors (job_id, number, row_number, field, code, message)
         select $1, number, row_number, field, code, message
         from unnest($2::int4[], $3::int8[], $4::text[], $5::text[], $6::text[])
             as error (number, row_number, field, code, message)",
        job.0,
        &numbers,
        &rows,
        &fields,
        &codes as &[&str],
        &messages,
    )
    .execute(db)
    .await?;
    Ok(last)
}

/// Returns up to `limit` mistakes of an owner's import after number `after`, in the order of the file; `None` when
/// there is no such import.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.imports.errors", skip_all)]
pub async fn errors(
    db: &mut PgConnection,
    owner: OwnerId,
    job: JobId,
    after: i32,
    limit: i64,
) -> Result<Option<Vec<RowError>>, sqlx::Error> {
    let rows = sqlx::query_file!("src/imports/errors.sql", owner.0, job.0, after, limit).fetch_all(db).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let errors = rows.into_iter().filter_map(|row| {
        Some(RowError {
            number: row.number?,
            row: row.row_number?,
            field: row.field?,
            code: row.code?,
            message: row.message?,
        })
    });
    Ok(Some(errors.collect()))
}

/// Makes a text fit to be kept: PostgreSQL refuses U+0000.
fn storable(text: &str) -> String {
    text.chars().filter(|character| *character != '\0').take(LONGEST_TEXT).collect()
}
