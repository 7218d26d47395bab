//! What every request can reach.

use crate::auth::SigningKeys;
use crate::config::Config;
use crate::routes::HealthCache;
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::db::Db;
use shared::jobs::Notifier;
use shared::secrets::Secrets;
use shared::storage::Storage;
use std::sync::Arc;

/// The API's state; clones share everything.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The database.
    pub db: Db,
    /// How workers are told.
    pub notifier: Notifier,
    /// The time.
    pub clock: Clock,
    /// The files of exports and imports.
    pub storage: Storage,
    /// What signs tokens.
    pub signing: SigningKeys,
    /// Whether `/openapi.json` is served.
    pub docs: bool,
    /// Whether webhooks may lead into private networks.
    pub private_webhooks: bool,
    /// The latest look at the dependencies.
    pub health: HealthCache,
}

impl AppState {
    /// Makes the state of a Lambda function; nothing is fetched or connected yet.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        let sdk = Arc::new(Sdk::of_a_function());
        let secrets = Secrets::new(Arc::clone(&sdk));
        let db = Db::new(config.database, secrets.clone());
        let notifier = Notifier::remote(config.queue.url.as_deref(), sdk, &db);
        Self {
            db,
            notifier,
            clock: Clock::default(),
            storage: Storage::new(config.storage),
            signing: SigningKeys::new(config.signing.source, secrets),
            docs: config.docs,
            private_webhooks: config.private_webhooks,
            health: HealthCache::for_lambda(),
        }
    }
}
