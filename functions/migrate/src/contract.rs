//! Contract migrations: by hand, and only while nothing runs that needs what they take away.

use crate::State;
use crate::migrate::{Applied, contract};
use anyhow::{Context as _, bail};
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::BTreeSet;

/// What has an alias: the API and the worker. The function may ask about these two and no other, so two names are both.
const ALIASES: usize = 2;

/// Takes away what only older releases need. Those are gone when every alias leads to the newest code, and to nothing else.
pub(crate) async fn handle(state: &State, aliases: &Value) -> anyhow::Result<Applied> {
    let aliases: BTreeSet<String> = BTreeSet::deserialize(aliases).context("\"contract\" is not a list of aliases")?;
    if aliases.len() != ALIASES {
        bail!("\"contract\" does not name the aliases of the API and of the worker; nothing was done");
    }
    for alias in &aliases {
        if let Some(reason) = state.aliases.older_code(alias).await? {
            bail!("{reason}; nothing was done");
        }
    }
    Ok(contract(&state.db, state.contractions, state.rotated.app.is_some()).await?)
}
