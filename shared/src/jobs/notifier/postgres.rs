//! Notices without a queue: the worker of this process is woken directly, other hosts by NOTIFY.

use super::{Notice, NotifyError};
use crate::db::Db;
use crate::jobs::CHANNEL;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Ids in one NOTIFY: a payload may have 8,000 bytes at most.
const BATCH: usize = 150;

/// Wakes the worker of this process, if it has one, and other hosts when that worker is busy.
#[derive(Clone, Debug)]
pub struct PostgresNotifier {
    db: Db,
    worker: Option<LocalWorker>,
}

/// The worker of this process.
#[derive(Clone, Debug, Default)]
pub struct LocalWorker {
    wake: Arc<Notify>,
    free: Arc<AtomicUsize>,
    /// The times at which somebody wants the worker to look.
    alarms: Arc<Mutex<BTreeSet<Instant>>>,
}

impl LocalWorker {
    /// Tells the worker to look.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Tells the worker to look in so long.
    pub fn wake_in(&self, after: Duration) {
        let at = Instant::now() + after;
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
        self.wake.notify_one();
    }

    /// Tells the worker what another process said: see [`CHANNEL`](crate::jobs::CHANNEL).
    pub fn hear(&self, payload: &str) {
        for notice in payload.split(',') {
            let seconds = notice.split_once('@').and_then(|(_, seconds)| seconds.parse().ok());
            self.wake_in(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default());
        }
    }

    /// Takes the times at which somebody wants the worker to look.
    #[must_use]
    pub fn take_alarms(&self) -> BTreeSet<Instant> {
        std::mem::take(&mut *self.alarms.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until somebody tells the worker to look; a word said before counts.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Says how many more jobs the worker could run.
    pub fn set_free(&self, slots: usize) {
        self.free.store(slots, Ordering::Relaxed);
    }
}

impl PostgresNotifier {
    /// For a process without a worker: every notice is a NOTIFY.
    #[must_use]
    pub fn remote(db: Db) -> Self {
        Self { db, worker: None }
    }

    /// For a process with a worker. A NOTIFY in every commit would halve the throughput, so other hosts are told only
    /// when this worker has no free slot.
    #[must_use]
    pub fn local(db: Db, worker: LocalWorker) -> Self {
        Self { db, worker: Some(worker) }
    }

    pub(super) fn has_worker(&self) -> bool {
        self.worker.is_some()
    }

    pub(super) async fn send(&self, notices: &[Notice]) -> Result<(), NotifyError> {
        if let Some(worker) = &self.worker {
            for notice in notices {
                worker.wake_in(notice.after);
            }
            if worker.free.load(Ordering::Relaxed) > 0 {
                return Ok(());
            }
        }
        let payloads: Vec<String> = notices.chunks(BATCH).map(payload).collect();
        let mut connection = self.db.acquire().await?;
        sqlx::query!("select pg_notify($1, payload) from unnest($2::text[]) as item (payload)", CHANNEL, &payloads)
            .execute(&mut *connection)
            .await
            .map_err(crate::db::DbError::from)?;
        Ok(())
    }
}

fn payload(notices: &[Notice]) -> String {
    let mut payload = String::new();
    for notice in notices {
        if !payload.is_empty() {
            payload.push(',');
        }
        // Rounded up to milliseconds, so that nobody looks too early. Writing to a string cannot fail.
        let milliseconds = notice.after.as_micros().div_ceil(1_000);
        let _infallible = write!(payload, "{}@{}", notice.job, milliseconds / 1_000);
        // Hosts of an older release read whole seconds alone.
        if !milliseconds.is_multiple_of(1_000) {
            let _infallible = write!(payload, ".{:03}", milliseconds % 1_000);
        }
    }
    payload
}
