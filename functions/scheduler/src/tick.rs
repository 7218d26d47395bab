//! One tick: alarms in rounds of bounded size, each taken and committed before anything is sent; then the schedules.

use crate::{Config, Prober, Schedules, Upkeep, declared};
use serde::Serialize;
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::db::{Db, DbError};
use shared::jobs::{self, Notifier};
use shared::metrics::Metrics;
use shared::secrets::Secrets;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Alarms in one round.
const ROUND: i64 = 500;

/// A tick ends after this, whatever is left: the next one goes on.
const LONGEST_TICK: Duration = Duration::from_secs(30);

/// A scheduler process.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// The database.
    pub db: Db,
    /// How workers are told.
    pub notifier: Notifier,
    /// The time.
    pub clock: Clock,
    /// The periodic jobs.
    pub schedules: Schedules,
    /// What requests need besides the database.
    pub prober: Prober,
    /// What it looks after besides.
    pub upkeep: Upkeep,
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tick {
    /// Jobs of which workers were told.
    pub notified: usize,
    /// Abandoned attempts whose jobs are available again; they are among the notified.
    pub rescued: usize,
    /// Abandoned attempts that were the last of their jobs, which are failed now.
    pub exhausted: usize,
    /// Abandoned attempts whose jobs had been called off, which are cancelled now.
    pub cancelled: usize,
    /// Jobs that schedules made.
    pub scheduled: usize,
}

impl Scheduler {
    /// Makes the scheduler of a Lambda function; nothing is fetched or connected yet.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        let sdk = Arc::new(Sdk::of_a_function());
        let secrets = Secrets::new(Arc::clone(&sdk));
        let prober = Prober::new(config.signing_secret, &secrets);
        let db = Db::new(config.database, secrets);
        let notifier = Notifier::remote(config.queue.url.as_deref(), sdk, &db);
        let (schedules, upkeep) = (Schedules::new(declared()), Upkeep::new(config.retention, Metrics::default()));
        Self { db, notifier, clock: Clock::default(), schedules, prober, upkeep }
    }

    /// Rings every alarm that went off, and with a queue those of the next minute, with the delay that is left; then turns
    /// schedules that are due into jobs; then, once a minute, looks after the rest. Notes whether the service is ready,
    /// also when it fails.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached. What was done before stays done.
    pub async fn tick(&self) -> Result<Tick, DbError> {
        let (ticked, can_sign) = tokio::join!(self.work(), self.prober.can_sign(&self.clock));
        self.upkeep.metrics.ready(ticked.is_ok() && can_sign);
        ticked
    }

    async fn work(&self) -> Result<Tick, DbError> {
        let mut tick = Tick::default();
        self.ring(&mut tick).await?;
        tick.scheduled = self.schedules.turn(self).await?;
        self.upkeep.run(self, &tick).await;
        Ok(tick)
    }

    async fn ring(&self, tick: &mut Tick) -> Result<(), DbError> {
        let started = Instant::now();
        loop {
            let woken = {
                let mut connection = self.db.acquire().await?;
                jobs::wake(&mut connection, ROUND, self.notifier.look_ahead(), &self.clock).await?
            };
            let is_last = i64::try_from(woken.alarms()).is_ok_and(|alarms| alarms < ROUND);
            tick.notified += woken.notices.len();
            tick.rescued += woken.rescued.len();
            tick.exhausted += woken.exhausted.len();
            tick.cancelled += woken.cancelled.len();
            woken.log();
            self.notifier.notify(woken.notices).await;
            if is_last || started.elapsed() > LONGEST_TICK {
                return Ok(());
            }
        }
    }
}
