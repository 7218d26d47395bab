//! The application's login: the role that is not in use gets a new password, and then its turn. The other keeps its own
//! until the rotation after this one, so nobody who knows only that one is turned away.

use super::random;
use crate::State;
use crate::credentials::Credentials;
use crate::migrate::{connect, connect_alone, connect_as};
use crate::roles::{self, Roles};
use anyhow::{Context as _, ensure};
use secrecy::SecretString;
use sqlx::Connection as _;

/// Lets the role log in that the secret names, with the password it has there. After a rotation that changes nothing; in a
/// database that is new or restored, it makes the secret fit.
pub(crate) async fn admit(state: &State, arn: &str) -> anyhow::Result<()> {
    let mut connection = connect_alone(&state.db).await?;
    let roles = Roles::here(&mut connection).await?;
    // Read behind the lock: until it is released, no rotation sets the password of the role that this names.
    let current = current(state, arn).await?;
    roles.other(&current.username)?;
    roles::set_password(&mut connection, &current).await?;
    let _closed = connection.close().await;
    Ok(())
}

/// Makes the credentials of the role whose turn is next.
pub(super) async fn create(state: &State, arn: &str) -> anyhow::Result<SecretString> {
    let value = state.vault.current(arn).await?;
    let current = Credentials::read(&value)?;
    let mut connection = connect(&state.db).await?;
    let roles = Roles::here(&mut connection).await?;
    let _closed = connection.close().await;
    Ok(Credentials::replace(&value, roles.other(&current.username)?, &random()?)?)
}

/// Lets the role log in with its new password.
pub(super) async fn set(state: &State, arn: &str, value: &SecretString) -> anyhow::Result<()> {
    let next = Credentials::read(value)?;
    let mut connection = connect_alone(&state.db).await?;
    let roles = Roles::here(&mut connection).await?;
    let current = current(state, arn).await?;
    ensure!(
        roles.other(&current.username)? == next.username,
        "the password of {}, which is in use, is not changed",
        next.username
    );
    roles::set_password(&mut connection, &next).await?;
    let _closed = connection.close().await;
    Ok(())
}

async fn current(state: &State, arn: &str) -> anyhow::Result<Credentials> {
    let value = state.vault.current(arn).await?;
    Credentials::read(&value).with_context(|| format!("the secret {arn} cannot be used"))
}

/// Logs in and uses the database as the application does.
pub(super) async fn test(state: &State, value: &SecretString) -> anyhow::Result<()> {
    let mut connection = connect_as(&state.db, &Credentials::read(value)?).await?;
    sqlx::query("select from jobs limit 0").execute(&mut connection).await?;
    let _closed = connection.close().await;
    Ok(())
}
