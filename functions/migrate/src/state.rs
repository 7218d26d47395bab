//! What each invocation gets.

use crate::vault::Vault;
use crate::{Config, RotatedSecrets};
use shared::aws::Sdk;
use shared::db::Db;
use shared::secrets::Secrets;
use std::sync::Arc;

/// What each invocation gets.
#[derive(Debug)]
pub struct State {
    /// The database, as a role that may make roles.
    pub db: Db,
    /// Secrets Manager, to write to.
    pub vault: Vault,
    /// The secrets that this function rotates.
    pub rotated: RotatedSecrets,
}

impl State {
    /// Makes the state of a Lambda function; nothing is fetched or connected yet.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        let sdk = Arc::new(Sdk::of_a_function());
        let db = Db::new(config.database, Secrets::new(Arc::clone(&sdk)));
        Self { db, vault: Vault::new(sdk), rotated: config.rotated }
    }
}
