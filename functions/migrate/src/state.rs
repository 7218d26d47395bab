//! What each invocation gets.

use crate::vault::Vault;
use crate::{Aliases, Config, RotatedSecrets};
use shared::aws::Sdk;
use shared::db::Db;
use shared::migrations::CONTRACTIONS;
use shared::secrets::Secrets;
use sqlx::migrate::Migrator;
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
    /// Lambda, to be asked what aliases lead to.
    pub aliases: Aliases,
    /// The migrations that take away what only older releases need.
    pub contractions: &'static Migrator,
}

impl State {
    /// Makes the state of a Lambda function; nothing is fetched or connected yet.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        let sdk = Arc::new(Sdk::of_a_function());
        let db = Db::new(config.database, Secrets::new(Arc::clone(&sdk)));
        Self::new(db, sdk, config.rotated)
    }

    /// Makes the state from what it stands on.
    #[must_use]
    pub fn new(db: Db, sdk: Arc<Sdk>, rotated: RotatedSecrets) -> Self {
        let aliases = Aliases::new(Arc::clone(&sdk));
        Self { db, vault: Vault::new(sdk), rotated, aliases, contractions: &CONTRACTIONS }
    }
}
