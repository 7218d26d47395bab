//! What an error of the database means, by code and by constraint name, never by message.

use super::DbError;

/// SQLSTATEs that say "not now": connection trouble, shutting down or starting up, a failover, too many connections, out
/// of memory, deadlocks, lock and statement time-outs. <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const UNAVAILABLE: &[&str] = &[
    "08000", "08001", "08003", "08006", "25006", "25P03", "25P04", "40P01", "53200", "53300", "55P03", "57014",
    "57P01", "57P02", "57P03", "57P05",
];

/// Wrong password, or a role that may not log in (any more).
const AUTHENTICATION: &[&str] = &["28P01", "28000"];

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
}

pub(super) fn is_authentication(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| AUTHENTICATION.contains(&code.as_str()))
}

/// Tells whether the database is down or too busy: the same call may succeed later.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        // A connection that breaks in the middle of a message is a protocol error.
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Tls(_) => true,
        other => code(other).is_some_and(|code| UNAVAILABLE.contains(&code.as_str())),
    }
}

/// Returns the name of the constraint that a statement violated.
#[must_use]
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

impl DbError {
    /// Tells whether PostgreSQL refused what it was given to keep, and will again: a data exception, a violated constraint, or
    /// more than a row, an array or a statement may have.
    pub(crate) fn is_refused_data(&self) -> bool {
        let Self::Sqlx(error) = self else { return false };
        matches!(error, sqlx::Error::Encode(_))
            || code(error).is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
    }

    /// Tells whether a row stayed locked for longer than a statement waits.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Sqlx(error) if code(error).is_some_and(|code| code == "55P03"))
    }

    /// Tells whether the database, or the keeper of its credentials, is down or too busy.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Secrets(_) => true,
            Self::Secret { .. } => false,
            Self::Sqlx(error) => is_unavailable(error),
        }
    }
}
