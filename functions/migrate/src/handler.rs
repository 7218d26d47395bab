//! Who invokes `migrate`: CloudFormation, Secrets Manager, or a person.

use crate::migrate::{Applied, apply, apply_with_roles};
use crate::{State, contract, custom_resource, rotation};
use serde_json::Value;
use std::time::Duration;

/// Does what the event asks for, and returns what was done. When it is a request of CloudFormation, that gets the answer as
/// well.
///
/// # Errors
/// When it failed and nobody but the caller can be told, or when CloudFormation could not be answered.
pub async fn handle(state: &State, event: Value, time_left: Duration) -> anyhow::Result<Value> {
    if event.get("ResponseURL").is_some() {
        return custom_resource::handle(state, event, time_left).await;
    }
    if event.get("Step").is_some() {
        return rotation::handle(state, event).await;
    }
    if let Some(aliases) = event.get("contract") {
        return Ok(serde_json::to_value(contract::handle(state, aliases).await?)?);
    }
    Ok(serde_json::to_value(migrate(state).await?)?)
}

/// Brings the database up to date: with roles where the application has a secret of its own, which then fits.
pub(crate) async fn migrate(state: &State) -> anyhow::Result<Applied> {
    let Some(secret) = &state.rotated.app else { return Ok(apply(&state.db).await?) };
    let applied = apply_with_roles(&state.db).await?;
    rotation::admit(state, secret).await?;
    Ok(applied)
}
