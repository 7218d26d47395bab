//! Counts jobs by kind.

use super::{Means, Operation, Perform};
use serde::{Deserialize, Serialize};
use shared::jobs::{self, EndedStats, KindStats};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far back ends are counted.
const DAY: Duration = Duration::from_hours(24);

/// Counts what waits and runs, and what ended within a day.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {}

/// The jobs of one kind; versions of a payload are not told apart.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct KindCounts {
    /// Which code runs them.
    pub kind: String,
    /// How many are due and wait for a worker.
    pub available: i64,
    /// For how long the oldest of those is due; `None` when none is.
    pub oldest_due_s: Option<f64>,
    /// How many of those wait in vain: no worker has named their kind and version for a day.
    pub unsupported: i64,
    /// How many wait for their time.
    pub scheduled: i64,
    /// Of how many an attempt is under way.
    pub running: i64,
    /// How many were done.
    pub succeeded_24h: i64,
    /// How many were given up.
    pub failed_24h: i64,
    /// How many were called off.
    pub cancelled_24h: i64,
}

impl From<Stats> for Operation {
    fn from(stats: Stats) -> Self {
        Self::Stats(stats)
    }
}

impl Perform for Stats {
    type Answer = Vec<KindCounts>;

    async fn perform(self, means: Means<'_>) -> Result<Vec<KindCounts>, sqlx::Error> {
        let unfinished = jobs::stats(means.db, means.clock).await?;
        let ended = jobs::stats_ended(means.db, DAY, means.clock).await?;
        Ok(by_kind(unfinished, ended))
    }
}

/// Puts both together, in the order of the kinds' names.
fn by_kind(unfinished: Vec<KindStats>, ended: Vec<EndedStats>) -> Vec<KindCounts> {
    let mut kinds: BTreeMap<String, KindCounts> = BTreeMap::new();
    let of = |kind: String| KindCounts { kind, ..KindCounts::default() };
    for stats in unfinished {
        let counts = kinds.entry(stats.kind.clone()).or_insert_with(|| of(stats.kind));
        let oldest_due_s = stats.oldest_due.map(|age| age.as_secs_f64());
        counts.available += stats.available;
        counts.oldest_due_s = [counts.oldest_due_s, oldest_due_s].into_iter().flatten().reduce(f64::max);
        counts.unsupported += stats.unsupported;
        counts.scheduled += stats.scheduled;
        counts.running += stats.running;
    }
    for stats in ended {
        let counts = kinds.entry(stats.kind.clone()).or_insert_with(|| of(stats.kind));
        counts.succeeded_24h = stats.succeeded;
        counts.failed_24h = stats.failed;
        counts.cancelled_24h = stats.cancelled;
    }
    kinds.into_values().collect()
}
