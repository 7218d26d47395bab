//! Accounts.

use crate::db::constraint;
use crate::ids::OwnerId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// What a login needs to know of an account.
#[derive(Debug)]
pub struct Credentials {
    /// The account.
    pub id: OwnerId,
    /// PHC string, argon2id.
    pub password_hash: String,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Another account has the address, in whatever case.
    #[error("the address is taken")]
    EmailTaken,
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Sqlx(sqlx::Error),
}

/// Makes an account.
///
/// # Errors
/// [`CreateError::EmailTaken`] when another account has the address.
#[tracing::instrument(level = "debug", name = "db.users.create", skip_all)]
pub async fn create(
    db: &mut PgConnection,
    id: OwnerId,
    email: &str,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), CreateError> {
    sqlx::query!(
        "insert into users (id, email, password_hash, created_at) values ($1, $2, $3, $4)",
        id.0,
        email,
        password_hash,
        now,
    )
    .execute(db)
    .await
    .map_err(|error| match constraint(&error) {
        Some("users_email") => CreateError::EmailTaken,
        _ => CreateError::Sqlx(error),
    })?;
    Ok(())
}

/// Finds an account by its address, without regard to case.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.users.credentials", skip_all)]
pub async fn credentials(db: &mut PgConnection, email: &str) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"select id as "id: OwnerId", password_hash from users where lower(email) = lower($1)"#,
        email,
    )
    .fetch_optional(db)
    .await
}
