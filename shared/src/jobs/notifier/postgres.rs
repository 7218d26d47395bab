//! Notices without a queue: the worker of this process is woken directly, other hosts by NOTIFY.

use super::{Notice, NotifyError};
use crate::db::Db;
use crate::jobs::CHANNEL;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
}

impl LocalWorker {
    /// Tells the worker to look.
    pub fn wake(&self) {
        self.wake.notify_one();
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

    pub(super) async fn send(&self, notices: &[Notice]) -> Result<(), NotifyError> {
        if let Some(worker) = &self.worker {
            worker.wake();
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
        // Writing to a string cannot fail.
        let _infallible = write!(payload, "{}@{}", notice.job, notice.after.as_secs());
    }
    payload
}
