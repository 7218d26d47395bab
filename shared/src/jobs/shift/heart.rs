//! The heartbeat of a shift: one statement keeps all its leases, and says which are lost.

use super::attempt::{Attempt, Stop};
use super::{Runner, when_there};
use crate::db::{DbError, within};
use crate::ids::JobId;
use crate::jobs::lease::{self, Beat, Found};
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::task::Id;

/// After a heartbeat that failed, or that could not extend every lease, the next one comes this soon.
const RETRY: Duration = Duration::from_secs(1);

/// A heartbeat that takes longer has failed: a lease must not run out while one is waited for.
const LIMIT: Duration = Duration::from_secs(5);

/// A lease is extended this many times before it would end.
const BEATS_PER_LEASE: u32 = 3;

/// What a heartbeat brought back.
pub(super) struct Beaten {
    asked: Vec<JobId>,
    sent_at: Instant,
    found: Result<HashMap<JobId, Found>, DbError>,
}

#[derive(Default)]
pub(super) struct Heart {
    next: Option<Instant>,
    beating: Option<BoxFuture<'static, Beaten>>,
}

impl Heart {
    /// Makes sure that the next heartbeat comes in time for a lease of this length.
    pub(super) fn hurry(&mut self, lease: Duration) {
        let at = Instant::now() + lease / BEATS_PER_LEASE;
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Sends a heartbeat if one is due and none is under way.
    pub(super) fn begin_beating<S: Clone + Send + Sync + 'static>(
        &mut self,
        runner: &Runner<S>,
        attempts: &HashMap<Id, Attempt>,
    ) {
        let due = self.next.is_some_and(|next| next <= Instant::now());
        if !due || self.beating.is_some() {
            return;
        }
        let beats: Vec<Beat> = attempts
            .values()
            .filter(|attempt| !attempt.signals.is_writing() && !attempt.is_stopped())
            .map(|attempt| Beat {
                id: attempt.id,
                epoch: attempt.epoch,
                lease: attempt.lease,
                progress: attempt.signals.progress(),
            })
            .collect();
        if beats.is_empty() {
            self.next = attempts
                .values()
                .map(|attempt| attempt.lease)
                .min()
                .map(|lease| Instant::now() + lease / BEATS_PER_LEASE);
            return;
        }
        let inner = std::sync::Arc::clone(&runner.inner);
        self.beating = Some(Box::pin(async move {
            let sent_at = Instant::now();
            let found = within(LIMIT, async {
                let mut connection = inner.db.acquire().await?;
                Ok(lease::heartbeat(&mut connection, &beats, &inner.clock).await?)
            });
            let found = found.await;
            Beaten { asked: beats.into_iter().map(|beat| beat.id).collect(), sent_at, found }
        }));
    }

    pub(super) async fn beaten(&mut self) -> Beaten {
        let beaten = when_there(&mut self.beating).await;
        self.beating = None;
        beaten
    }

    /// Extends what was kept and stops what was lost.
    pub(super) fn listen(&mut self, beaten: Beaten, attempts: &mut HashMap<Id, Attempt>) {
        let shortest = attempts.values().map(|attempt| attempt.lease).min().unwrap_or(RETRY);
        let is_whole = beaten.found.as_ref().is_ok_and(|found| found.values().all(|found| *found != Found::Locked));
        let usual = shortest / BEATS_PER_LEASE;
        self.next = Some(Instant::now() + if is_whole { usual } else { usual.min(RETRY) });
        match beaten.found {
            Ok(found) => {
                for attempt in attempts.values_mut().filter(|attempt| beaten.asked.contains(&attempt.id)) {
                    match found.get(&attempt.id) {
                        Some(Found::Kept) => attempt.lease_until = beaten.sent_at + attempt.lease,
                        Some(Found::CalledOff) => attempt.stop(Stop::Cancelled),
                        Some(Found::Locked) => {}
                        None if attempt.signals.is_writing() => {}
                        None => attempt.stop(Stop::LeaseLost),
                    }
                }
            }
            Err(error) => {
                tracing::warn!(
                    error = format!("{:#}", anyhow::Error::new(error)),
                    jobs = beaten.asked.len(),
                    "A heartbeat for {} jobs failed",
                    beaten.asked.len(),
                );
            }
        }
    }

    /// When the next heartbeat is to be sent; `None` while one is under way.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.next.filter(|_| self.beating.is_none())
    }
}
