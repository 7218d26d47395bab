//! What is measured, in one place: whether the service is ready, the depth of the queue, how attempts end, how long they
//! wait and run.
//!
//! The instruments belong to a process. [`prometheus`] shows them to whoever asks, [`emf`] writes them into the log for
//! CloudWatch. Both read the same [`Snapshot`].

pub mod emf;
mod histogram;
pub mod prometheus;

pub use histogram::{BOUNDS, Buckets, Histogram};

use crate::jobs::{Attempted, End, KindStats, Observer};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The instruments of a process; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    instruments: Arc<Instruments>,
}

#[derive(Debug, Default)]
struct Instruments {
    attempts: RwLock<BTreeMap<String, Arc<Attempts>>>,
    queue: Mutex<Queue>,
    readiness: Mutex<Readiness>,
    rescued: AtomicU64,
    exhausted: AtomicU64,
    pruned: AtomicU64,
}

/// The instruments of one kind.
#[derive(Debug, Default)]
struct Attempts {
    ends: [AtomicU64; End::ALL.len()],
    waited: Histogram,
    ran: Histogram,
}

/// What the database said of the queue.
#[derive(Clone, Debug, Default)]
struct Queue {
    /// How often it was asked.
    reads: u64,
    depths: BTreeMap<String, Depth>,
}

/// Whether requests can be served.
#[derive(Clone, Copy, Debug, Default)]
pub struct Readiness {
    /// How often somebody looked.
    pub looks: u64,
    /// What the last look showed.
    pub is_ready: bool,
}

/// The unfinished jobs of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Depth {
    /// Jobs that are due and wait for a worker.
    pub due: i64,
    /// Jobs that wait for their time.
    pub scheduled: i64,
    /// Jobs that run.
    pub running: i64,
    /// Seconds since the oldest of those that are due was due; 0 when none is.
    pub oldest_due_s: f64,
    /// Jobs that are due and that no worker runs.
    pub unsupported: i64,
}

/// How attempts of a kind went.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many ended in each way, in the order of [`End::ALL`].
    pub ends: [u64; End::ALL.len()],
    /// How long their jobs had been due.
    pub waited: Buckets,
    /// How long they ran.
    pub ran: Buckets,
}

/// Everything, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Whether requests can be served.
    pub readiness: Readiness,
    /// How often the depths were read.
    pub reads: u64,
    /// The depths as they were read last, by kind. A kind stays when its last job has ended.
    pub depths: BTreeMap<String, Depth>,
    /// The attempts of this process, by kind.
    pub tallies: BTreeMap<String, Tally>,
    /// Abandoned attempts whose jobs this process made available again.
    pub rescued: u64,
    /// Jobs that this process failed because their last attempt was abandoned.
    pub exhausted: u64,
    /// Finished jobs that this process deleted.
    pub pruned: u64,
}

impl Metrics {
    /// Notes what the database said of the queue.
    pub fn queue_is(&self, stats: &[KindStats]) {
        let mut queue = self.instruments.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.reads += 1;
        queue.depths.values_mut().for_each(|depth| *depth = Depth::default());
        for of_version in stats {
            queue.depths.entry(of_version.kind.clone()).or_default().add(&Depth::from(of_version));
        }
    }

    /// Notes whether requests can be served.
    pub fn ready(&self, is_ready: bool) {
        let mut readiness = self.instruments.readiness.lock().unwrap_or_else(PoisonError::into_inner);
        *readiness = Readiness { looks: readiness.looks + 1, is_ready };
    }

    /// Notes what became of abandoned attempts.
    pub fn abandoned(&self, rescued: usize, exhausted: usize) {
        add(&self.instruments.rescued, rescued as u64);
        add(&self.instruments.exhausted, exhausted as u64);
    }

    /// Notes how many jobs were deleted.
    pub fn pruned(&self, jobs: u64) {
        add(&self.instruments.pruned, jobs);
    }

    /// Reads everything.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Instruments { attempts, queue, readiness, rescued, exhausted, pruned } = &*self.instruments;
        let Queue { reads, depths } = queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let attempts = attempts.read().unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            readiness: *readiness.lock().unwrap_or_else(PoisonError::into_inner),
            reads,
            depths,
            tallies: attempts.iter().map(|(kind, attempts)| (kind.clone(), attempts.tally())).collect(),
            rescued: rescued.load(Ordering::Relaxed),
            exhausted: exhausted.load(Ordering::Relaxed),
            pruned: pruned.load(Ordering::Relaxed),
        }
    }

    /// Returns the instruments of a kind; the first attempt of a kind makes them.
    fn of(&self, kind: &str) -> Arc<Attempts> {
        let known = self.instruments.attempts.read().unwrap_or_else(PoisonError::into_inner).get(kind).cloned();
        known.unwrap_or_else(|| {
            let mut attempts = self.instruments.attempts.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(attempts.entry(kind.to_owned()).or_default())
        })
    }
}

impl Observer for Metrics {
    fn ended(&self, attempt: Attempted, end: End) {
        let of_kind = self.of(attempt.kind);
        if let Some(count) = of_kind.ends.get(end as usize) {
            add(count, 1);
        }
        of_kind.waited.record(attempt.waited);
        of_kind.ran.record(attempt.ran);
    }
}

impl Attempts {
    fn tally(&self) -> Tally {
        Tally {
            ends: std::array::from_fn(|end| self.ends.get(end).map_or(0, |count| count.load(Ordering::Relaxed))),
            waited: self.waited.read(),
            ran: self.ran.read(),
        }
    }
}

impl From<&KindStats> for Depth {
    fn from(stats: &KindStats) -> Self {
        Self {
            due: stats.available,
            scheduled: stats.scheduled,
            running: stats.running,
            oldest_due_s: stats.oldest_due.map_or(0.0, |age| age.as_secs_f64()),
            unsupported: stats.unsupported,
        }
    }
}

impl Depth {
    /// Takes another one in.
    pub fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.scheduled += other.scheduled;
        self.running += other.running;
        self.oldest_due_s = self.oldest_due_s.max(other.oldest_due_s);
        self.unsupported += other.unsupported;
    }
}

impl Tally {
    /// How many attempts ended in this way.
    #[must_use]
    pub fn count(&self, end: End) -> u64 {
        self.ends.get(end as usize).copied().unwrap_or_default()
    }

    /// Takes another one in.
    pub fn add(&mut self, other: &Self) {
        self.ends = std::array::from_fn(|end| at(&self.ends, end) + at(&other.ends, end));
        self.waited.add(&other.waited);
        self.ran.add(&other.ran);
    }

    /// What came since an earlier one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            ends: std::array::from_fn(|end| at(&self.ends, end) - at(&earlier.ends, end)),
            waited: self.waited.since(&earlier.waited),
            ran: self.ran.since(&earlier.ran),
        }
    }
}

fn at(counts: &[u64], index: usize) -> u64 {
    counts.get(index).copied().unwrap_or_default()
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
