//! One process's worker: the kinds it knows, and its own way to the database.

use super::claim::{self, Claimed, Claims, FromLine, Next, Place};
use super::registry::{Registry, Supported};
use super::{Notifier, Observer, Shift, announce};
use crate::clock::{Clock, Pace};
use crate::db::{Db, DbError, within};
use crate::ids::JobId;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Connections for claims, heartbeats and ends. They are the engine's own: jobs that hold all of theirs must not keep
/// a heartbeat waiting.
const ENGINE_CONNECTIONS: u32 = 2;

/// How long one of the engine's own statements may take.
pub(super) const STATEMENT_LIMIT: Duration = Duration::from_secs(10);

/// Saying which kinds there are may take no longer: an invocation may be waiting for its end.
const ANNOUNCE_LIMIT: Duration = Duration::from_secs(1);

/// Claims jobs and runs them in [`Shift`]s; clones share everything.
pub struct Runner<S> {
    pub(super) inner: Arc<Inner<S>>,
}

pub(super) struct Inner<S> {
    pub(super) registry: Registry<S>,
    pub(super) supported: Supported,
    pub(super) state: S,
    pub(super) db: Db,
    pub(super) notifier: Notifier,
    pub(super) clock: Clock,
    pub(super) observer: OnceLock<Arc<dyn Observer>>,
    announced: Pace,
    company: RwLock<()>,
}

impl<S> Clone for Runner<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S> std::fmt::Debug for Runner<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("registry", &self.inner.registry).finish_non_exhaustive()
    }
}

impl<S: Clone + Send + Sync + 'static> Runner<S> {
    /// Makes a worker of these kinds. `state` is cloned for each job.
    #[must_use]
    pub fn new(registry: Registry<S>, state: S, db: &Db, notifier: Notifier, clock: Clock) -> Self {
        let supported = registry.supported();
        let db = db.beside(ENGINE_CONNECTIONS);
        let (observer, announced) = (OnceLock::new(), Pace::new(announce::EVERY));
        let company = RwLock::default();
        Self {
            inner: Arc::new(Inner { registry, supported, state, db, notifier, clock, observer, announced, company }),
        }
    }

    /// Tells this observer how attempts end. The first one that is named counts.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.inner.observer.get_or_init(|| observer);
    }

    /// Says in the database which kinds this worker runs, at most once an hour. Only the count of jobs that nobody runs
    /// depends on it, so a failure is logged and nothing else. Call it when no job waits for this process.
    pub async fn announce(&self) {
        if !self.inner.announced.is_due(&self.inner.clock) {
            return;
        }
        let announced = within(ANNOUNCE_LIMIT, async {
            let mut connection = self.inner.db.acquire().await?;
            Ok(announce::announce(&mut connection, &self.inner.supported, &self.inner.clock).await?)
        });
        if let Err(error) = announced.await {
            tracing::warn!(
                error = format!("{:#}", anyhow::Error::new(error)),
                "This worker could not say which kinds it runs, it will in an hour"
            );
        }
    }

    /// Waits until no job of this process runs [`alone`](Self::alone); none does before the guard is dropped.
    pub async fn in_company(&self) -> RwLockReadGuard<'_, ()> {
        self.inner.company.read().await
    }

    /// Waits until nobody who runs jobs in this process does so [`in_company`](Self::in_company), and keeps them waiting.
    pub async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.inner.company.write().await
    }

    /// Claims what can be claimed of these jobs, and says of the others why not. None that was in a crash is claimed.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached; then nothing is claimed.
    pub async fn claim(&self, ids: &[JobId]) -> Result<Claims, DbError> {
        self.claim_ids(ids, false).await
    }

    /// Claims a job that is to run alone, whether or not it was in a crash.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached; then nothing is claimed.
    pub async fn claim_alone(&self, id: JobId) -> Result<Claims, DbError> {
        self.claim_ids(&[id], true).await
    }

    async fn claim_ids(&self, ids: &[JobId], alone: bool) -> Result<Claims, DbError> {
        within(STATEMENT_LIMIT, async {
            let mut connection = self.inner.db.acquire().await?;
            Ok(claim::claim(&mut connection, ids, alone, &self.inner.supported, &self.inner.clock).await?)
        })
        .await
    }

    /// Claims up to `limit` jobs that are due, in the order of the line, from a place on.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached; then nothing is claimed.
    pub async fn claim_due(&self, limit: usize, from: Place) -> Result<FromLine, DbError> {
        within(STATEMENT_LIMIT, async {
            let mut connection = self.inner.db.acquire().await?;
            Ok(claim::claim_due(&mut connection, limit, from, &self.inner.supported, &self.inner.clock).await?)
        })
        .await
    }

    /// Claims the first job in the line of those that were in a crash. It is to run alone.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached; then nothing is claimed.
    pub async fn claim_suspect(&self) -> Result<Option<Claimed>, DbError> {
        within(STATEMENT_LIMIT, async {
            let mut connection = self.inner.db.acquire().await?;
            Ok(claim::claim_suspect(&mut connection, &self.inner.supported, &self.inner.clock).await?)
        })
        .await
    }

    /// Tells when the next alarm goes off, and whether a job waits that has to run alone.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached.
    pub async fn next_alarm(&self) -> Result<Next, DbError> {
        within(STATEMENT_LIMIT, async {
            let mut connection = self.inner.db.acquire().await?;
            Ok(claim::next_alarm(&mut connection, &self.inner.supported, &self.inner.clock).await?)
        })
        .await
    }

    /// Rings up to `limit` alarms that went off: see [`wake`](super::wake()). Returns how many there were.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached.
    pub async fn ring(&self, limit: i64) -> Result<usize, DbError> {
        let woken = within(STATEMENT_LIMIT, async {
            let mut connection = self.inner.db.acquire().await?;
            Ok(super::wake(&mut connection, limit, Duration::ZERO, &self.inner.clock).await?)
        })
        .await?;
        woken.log();
        let alarms = woken.alarms();
        self.inner.notifier.notify(woken.notices).await;
        Ok(alarms)
    }

    /// Starts a shift: until `deadline` if there is one, and insisting for `patience` when the end of an attempt
    /// cannot be written.
    #[must_use]
    pub fn shift(&self, deadline: Option<Instant>, patience: Duration) -> Shift<S> {
        Shift::new(self.clone(), deadline, patience)
    }

    /// Returns how workers are told.
    #[must_use]
    pub fn notifier(&self) -> &Notifier {
        &self.inner.notifier
    }

    /// Waits until the engine's connections are back in their pool; gives up after a second.
    pub async fn settle(&self) {
        self.inner.db.settle().await;
    }

    /// Closes the engine's connections.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }
}
