//! The fenced end of an attempt, in the transaction of its effects.

use crate::db::Tx;
use crate::ids::JobId;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::fmt::Write as _;

/// What `jobs_finish` fails with when another attempt has the job.
const SUPERSEDED: &str = "ER001";

/// How a transaction with effects ended.
#[derive(Debug)]
pub(super) enum Finished {
    /// The effects and the end of the job are committed.
    Committed,
    /// The attempt had lost its job: everything is rolled back.
    Superseded,
}

/// Ends the job and commits, in one round trip: the fence and the commit are one message, and PostgreSQL ignores what
/// follows a statement that failed. A message of two statements takes no parameters, so they are written into its text;
/// the result as hexadecimal digits, which need no quoting.
#[tracing::instrument(level = "debug", name = "db.jobs.finish", skip_all)]
pub(super) async fn commit(
    tx: Tx,
    job: JobId,
    epoch: i32,
    result: &Value,
    offset_seconds: f64,
) -> Result<Finished, sqlx::Error> {
    let result = hexadecimal(&result.to_string());
    let finish = format!(
        "select jobs_finish('{job}', {epoch}, convert_from(decode('{result}', 'hex'), 'UTF8')::jsonb, {offset_seconds})"
    );
    match tx.commit_after(AssertSqlSafe(finish)).await {
        Ok(()) => Ok(Finished::Committed),
        Err(error) if is_superseded(&error) => Ok(Finished::Superseded),
        Err(error) => Err(error),
    }
}

fn is_superseded(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == SUPERSEDED)
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::with_capacity(2 * text.len()), |mut digits, byte| {
        // A string takes all that is written to it.
        let _taken = write!(digits, "{byte:02x}");
        digits
    })
}
