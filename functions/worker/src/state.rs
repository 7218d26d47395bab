//! What a worker process holds, and what it hands to each job.

use crate::Config;
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::db::Db;
use shared::jobs::{Notifier, Registry, Runner};
use shared::secrets::Secrets;
use shared::storage::Storage;
use std::sync::Arc;

/// What every job gets.
#[derive(Clone, Debug)]
pub struct State {
    /// The database, for the job's own statements.
    pub db: Db,
    /// The files of exports.
    pub storage: Storage,
    /// The time.
    pub clock: Clock,
}

/// A worker process.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Runs the jobs.
    pub runner: Runner<State>,
    /// What the jobs get.
    pub state: State,
}

impl Worker {
    /// Makes a worker that runs this project's kinds.
    #[must_use]
    pub fn new(state: State, notifier: Notifier) -> Self {
        Self::of(crate::registry(), state, notifier)
    }

    /// Makes a worker that runs the given kinds.
    #[must_use]
    pub fn of(registry: Registry<State>, state: State, notifier: Notifier) -> Self {
        let runner = Runner::new(registry, state.clone(), &state.db, notifier, state.clock.clone());
        Self { runner, state }
    }

    /// Makes the worker of a Lambda function; nothing is fetched or connected yet.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        let sdk = Arc::new(Sdk::default());
        let db = Db::new(config.database, Secrets::new(Arc::clone(&sdk)));
        let notifier = Notifier::remote(config.queue.url.as_deref(), sdk, &db);
        Self::new(State { db, storage: Storage::new(config.storage), clock: Clock::default() }, notifier)
    }
}
