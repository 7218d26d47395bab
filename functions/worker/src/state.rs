//! What a worker process holds, and what it hands to each job.

use crate::Config;
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::db::Db;
use shared::jobs::{Notifier, Registry, Runner};
use shared::outbound::Outbound;
use shared::secrets::Secrets;
use shared::storage::Storage;
use std::sync::Arc;

/// What every job gets.
#[derive(Clone, Debug)]
pub struct State {
    /// The database, for the job's own statements.
    pub db: Db,
    /// The files of exports and imports.
    pub storage: Storage,
    /// The time.
    pub clock: Clock,
    /// Mail and HTTP calls.
    pub outbound: Outbound,
    /// Tells workers of the jobs that a job writes, after its commit.
    pub notifier: Notifier,
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
    pub fn new(state: State) -> Self {
        Self::of(crate::registry(), state)
    }

    /// Makes a worker that runs the given kinds.
    #[must_use]
    pub fn of(registry: Registry<State>, state: State) -> Self {
        let notifier = state.notifier.clone();
        let runner = Runner::new(registry, state.clone(), &state.db, notifier, state.clock.clone());
        Self { runner, state }
    }

    /// Makes the worker of a Lambda function; nothing is fetched or connected yet.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        let sdk = Arc::new(Sdk::of_a_function());
        let db = Db::new(config.database, Secrets::new(Arc::clone(&sdk)));
        let notifier = Notifier::remote(config.queue.url.as_deref(), Arc::clone(&sdk), &db);
        let outbound = match config.outbound_function {
            Some(function) => Outbound::lambda(sdk, &function),
            None => Outbound::nowhere(),
        };
        let storage = Storage::new(config.storage);
        Self::new(State { db, storage, clock: Clock::default(), outbound, notifier })
    }
}
