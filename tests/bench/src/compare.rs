//! Engine and floor in turns, because the machine is never quite still: what counts is the median of the pairs.

use crate::cpu::Cpu;
use crate::database::Database;
use crate::statements::{self, Statement};
use serde::Serialize;
use std::time::{Duration, Instant};

/// One round of one side.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub seconds: f64,
    pub jobs: usize,
    pub cpu: Option<Cpu>,
}

/// The medians of one side.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    pub per_second: f64,
    /// CPU microseconds for each job: this process, PostgreSQL.
    pub process_us: Option<f64>,
    pub postgres_us: Option<f64>,
    /// Statements for each job; empty when they cannot be counted.
    pub statements: Vec<Statement>,
}

/// Both sides, and what the engine has of its floor.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    pub engine: Side,
    pub floor: Side,
    /// The median over the pairs of rounds, in per cent.
    pub share: f64,
    /// The same of the CPU time of process and PostgreSQL together: it tells the same where the CPU is the limit, and
    /// others on the machine disturb it less.
    pub cpu_share: Option<f64>,
}

impl Side {
    fn cpu_us(&self) -> Option<f64> {
        Some(self.process_us? + self.postgres_us?)
    }
}

/// What can be done by the engine and by a bare loop alike.
pub trait Contest {
    /// Does this many jobs through the engine and returns the time it took; what comes before the first job and after
    /// the last is not counted.
    async fn engine(&mut self, jobs: usize) -> anyhow::Result<Timed>;

    /// Does the same with nothing but statements.
    async fn floor(&mut self, jobs: usize) -> anyhow::Result<Timed>;
}

/// The time between the first job and the last, and the CPU that was used in it.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    pub took: Duration,
    pub cpu: Option<Cpu>,
}

/// Runs beside the work.
pub struct Stopwatch<'a> {
    database: &'a Database,
    started: Instant,
    cpu: Option<Cpu>,
}

impl<'a> Stopwatch<'a> {
    pub fn start(database: &'a Database) -> Self {
        let cpu = database.meter.now();
        Self { database, cpu, started: Instant::now() }
    }

    pub fn stop(self) -> Timed {
        let took = self.started.elapsed();
        let used = self
            .database
            .meter
            .now()
            .zip(self.cpu)
            .map(|(now, then)| Cpu { process: now.process - then.process, postgres: now.postgres - then.postgres });
        Timed { took, cpu: used }
    }
}

/// Lets both sides do `jobs` jobs in turns, after a short round of each that warms connections and plans.
pub async fn compare(
    contest: &mut impl Contest,
    database: &Database,
    rounds: usize,
    jobs: usize,
) -> anyhow::Result<Compared> {
    let few = (jobs / 5).max(1);
    contest.engine(few).await?;
    contest.floor(few).await?;

    let (mut engine, mut floor) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // A drift of the machine must not favour whoever comes first.
        if round % 2 == 0 {
            engine.push(round_of(contest.engine(jobs).await?, jobs));
            floor.push(round_of(contest.floor(jobs).await?, jobs));
        } else {
            floor.push(round_of(contest.floor(jobs).await?, jobs));
            engine.push(round_of(contest.engine(jobs).await?, jobs));
        }
    }

    statements::counting(database, true).await?;
    contest.engine(few).await?;
    let of_engine = statements::counted(database, few).await?;
    contest.floor(few).await?;
    let of_floor = statements::counted(database, few).await?;
    statements::counting(database, false).await?;

    let share = median(engine.iter().zip(&floor).map(|(engine, floor)| 100.0 * floor.seconds / engine.seconds));
    let (engine, floor) = (side(&engine, of_engine), side(&floor, of_floor));
    let cpu_share = floor.cpu_us().zip(engine.cpu_us()).map(|(floor, engine)| 100.0 * floor / engine);
    Ok(Compared { engine, floor, share, cpu_share })
}

fn round_of(timed: Timed, jobs: usize) -> Round {
    Round { seconds: timed.took.as_secs_f64(), jobs, cpu: timed.cpu }
}

fn side(rounds: &[Round], statements: Vec<Statement>) -> Side {
    let each = |what: fn(&Round) -> Option<f64>| {
        let all: Option<Vec<f64>> = rounds.iter().map(what).collect();
        all.map(median)
    };
    Side {
        per_second: median(rounds.iter().map(|round| float(round.jobs) / round.seconds)),
        process_us: each(|round| Some(round.cpu?.process * 1e6 / float(round.jobs))),
        postgres_us: each(|round| Some(round.cpu?.postgres * 1e6 / float(round.jobs))),
        statements,
    }
}

/// Returns the middle of some numbers; zero when there are none.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    quantile(numbers, 0.5)
}

/// Returns the number below which a share of the others lies.
pub fn quantile(numbers: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let rank = (float(sorted.len().saturating_sub(1)) * share).round() as usize;
    sorted.get(rank).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts of this tool are far below 2^52")]
pub fn float(count: usize) -> f64 {
    count as f64
}
