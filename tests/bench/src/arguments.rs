//! What a run is asked to measure, and how long it may take for it.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Measures the job engine against the same statements from a bare loop, on a PostgreSQL of its own.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench-jobs")]
pub struct Arguments {
    /// A smoke test: under a minute, small tables.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Takes its time: more jobs, more rounds, a snapshot that is held for a minute.
    #[arg(long)]
    full: bool,
    /// Jobs of a round with ten or more a claim.
    #[arg(long)]
    jobs: Option<usize>,
    /// Rounds of each side, taken in turns; the medians count.
    #[arg(long)]
    rounds: Option<usize>,
    /// Jobs of one claim, and the places to run them in: 1, 10 and 100 unless it is a quick run.
    #[arg(long, value_delimiter = ',')]
    per_claim: Vec<usize>,
    /// Connections for jobs that have effects, on both sides.
    #[arg(long, default_value_t = 10)]
    pub connections: usize,
    /// Seconds that a snapshot is held open.
    #[arg(long)]
    hold: Option<u64>,
    /// Finished rows in the table that is to stay fast.
    #[arg(long)]
    finished: Option<i64>,
    /// Waiting rows in that table.
    #[arg(long)]
    waiting: Option<i64>,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Fails when a drain with ten or more jobs a claim has less than this of its floor, in per cent.
    #[arg(long)]
    pub at_least: Option<f64>,
    /// Writes everything that was measured to this file.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// The folder of a peer with a `bench.sh`, which is run afterwards; needs root and a network.
    #[arg(long)]
    pub peer: Option<PathBuf>,
    /// Where the peer is installed; a folder that is there already saves its installation.
    #[arg(long)]
    pub peer_base: Option<PathBuf>,
    /// The folder that PostgreSQL's data directory is made in: put it on the disk that is to be measured.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// A part of the measurement.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Part {
    /// Writing jobs.
    Enqueue,
    /// Working off a backlog.
    Drain,
    /// From enqueue to commit at a low rate.
    Latency,
    /// Claim and tick on a large table, and under a held snapshot.
    Flat,
    /// How long one owner's job waits behind another's thousands.
    Fairness,
}

impl Arguments {
    fn sized<T>(&self, asked: Option<T>, quick: T, usual: T, full: T) -> T {
        let by_mode = if self.quick {
            quick
        } else if self.full {
            full
        } else {
            usual
        };
        asked.unwrap_or(by_mode)
    }

    pub fn jobs(&self) -> usize {
        self.sized(self.jobs, 1_000, 5_000, 20_000)
    }

    pub fn per_claim(&self) -> Vec<usize> {
        if self.per_claim.is_empty() {
            return self.sized(None, vec![10, 100], vec![1, 10, 100], vec![1, 10, 100]);
        }
        self.per_claim.iter().map(|jobs| (*jobs).max(1)).collect()
    }

    pub fn rounds(&self) -> usize {
        self.sized(self.rounds, 3, 3, 5).max(1)
    }

    pub fn hold(&self) -> Duration {
        Duration::from_secs(self.sized(self.hold, 2, 20, 60))
    }

    pub fn finished(&self) -> i64 {
        self.sized(self.finished, 20_000, 1_000_000, 1_000_000)
    }

    pub fn waiting(&self) -> i64 {
        self.sized(self.waiting, 5_000, 100_000, 100_000)
    }

    /// Jobs of a measurement of latency.
    pub fn latencies(&self) -> usize {
        self.sized(None, 40, 200, 600)
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(std::env::temp_dir)
    }

    pub fn parts(&self) -> Vec<Part> {
        let all = [Part::Enqueue, Part::Drain, Part::Latency, Part::Flat, Part::Fairness];
        all.into_iter().filter(|part| self.only.is_empty() || self.only.contains(part)).collect()
    }
}
