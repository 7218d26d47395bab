//! Durations in buckets. Each bucket has its own sum, so that an average of few values is exact.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the buckets in milliseconds; the last bucket has none. From a no-op to the longest attempt and wait that
/// are usual.
pub const BOUNDS: [u64; 16] =
    [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000];

const BUCKETS: usize = BOUNDS.len() + 1;

/// Counts durations.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    micros: [AtomicU64; BUCKETS],
}

/// What a histogram had counted at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Buckets {
    /// How many there are, and the sum of them in microseconds.
    buckets: [(u64, u64); BUCKETS],
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| bound * 1_000 < micros);
        if let (Some(count), Some(sum)) = (self.counts.get(bucket), self.micros.get(bucket)) {
            count.fetch_add(1, Ordering::Relaxed);
            sum.fetch_add(micros, Ordering::Relaxed);
        }
    }

    /// Reads what was counted so far.
    #[must_use]
    pub fn read(&self) -> Buckets {
        let mut read = Buckets::default();
        for ((bucket, count), micros) in read.buckets.iter_mut().zip(&self.counts).zip(&self.micros) {
            *bucket = (count.load(Ordering::Relaxed), micros.load(Ordering::Relaxed));
        }
        read
    }
}

impl Buckets {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(count, _)| count).sum()
    }

    /// Their sum in seconds.
    #[must_use]
    pub fn sum(&self) -> f64 {
        Duration::from_micros(self.buckets.iter().map(|(_, micros)| micros).sum()).as_secs_f64()
    }

    /// How many are no longer than each of [`BOUNDS`].
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        BOUNDS.iter().zip(&self.buckets).scan(0, |so_far, (bound, (count, _))| {
            *so_far += count;
            Some((Duration::from_millis(*bound), *so_far))
        })
    }

    /// The values in seconds, each as the average of its bucket.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.buckets.iter().filter(|(count, _)| *count > 0).flat_map(|(count, micros)| {
            let average = Duration::from_micros(micros / count).as_secs_f64();
            std::iter::repeat_n(average, usize::try_from(*count).unwrap_or(usize::MAX))
        })
    }

    /// Takes others in.
    pub fn add(&mut self, other: &Self) {
        for (bucket, (count, micros)) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket = (bucket.0 + count, bucket.1 + micros);
        }
    }

    /// What came since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        for (bucket, (count, micros)) in since.buckets.iter_mut().zip(&earlier.buckets) {
            // The two are read one after the other, so one of them may be ahead.
            *bucket = (bucket.0.saturating_sub(*count), bucket.1.saturating_sub(*micros));
        }
        since
    }
}
