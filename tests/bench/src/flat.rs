//! Whether a claim and a tick stay as fast when the table is large, and while a snapshot is held open.

use crate::arguments::Arguments;
use crate::compare::{float, median};
use crate::database::Database;
use crate::fill::{Rows, fill};
use crate::kinds::{self, Work};
use crate::report::{Cost, Report};
use crate::statements;
use crate::workers::{CHUNK, LocalHost, write};
use chrono::TimeDelta;
use shared::clock::Clock;
use shared::jobs::{self, Place};
use std::time::{Duration, Instant};

/// Jobs of a claim that is timed, and alarms of a round of the tick.
const CLAIM: usize = 10;
const ROUND: i64 = 500;

/// How far the scheduler's tick looks ahead.
const LOOK_AHEAD: Duration = Duration::from_mins(1);

/// How often each is timed.
const SAMPLES: usize = 40;
const ROUNDS: i64 = 4;

/// Jobs that all claims together find.
const JOBS: usize = 2 * (SAMPLES + 1) * CLAIM;

/// Places to run jobs in while a snapshot is held.
const SLOTS: usize = 100;

/// Jobs that wait while a snapshot is held: the worker is never out of work.
const BACKLOG: usize = 2_000;

/// Finished jobs that are in the table before that.
const USED: i64 = 10_000;

/// From here on PostgreSQL keeps every version of every row that this snapshot could see.
const HOLD: &str = "
    set idle_in_transaction_session_timeout = 0;
    begin isolation level repeatable read;
    select count(*) from jobs;";

/// What was timed.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    /// From where the last claim began, as a worker with a long line in front of it does.
    claim: Cost,
    /// From the start of the line.
    whole_line: Cost,
    tick_of_due: Cost,
    tick_of_none: Cost,
}

pub async fn measure(database: &Database, arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    let host = LocalHost::new(database, 1)?;
    let few = i64::try_from(JOBS)?;
    let small = Rows { waiting: few, ringing: ROUND * ROUNDS, ..Rows::default() };
    let large = Rows { finished: arguments.finished(), waiting: arguments.waiting(), ..small };

    let empty = times_on(database, &host, Rows::default()).await?;
    let base = times_on(database, &host, small).await?;
    let full = times_on(database, &host, large).await?;
    let name = format!("{} finished + {} waiting", large.finished, large.waiting);
    report.steady("claim that finds nothing, empty table", empty.claim, None);
    report.steady(&format!("claim of {CLAIM}, {name}"), full.claim, Some(base.claim));
    report.steady(&format!("the same from the start of the line, {name}"), full.whole_line, Some(base.whole_line));
    report.steady(&format!("tick of {ROUND} alarms, {name}"), full.tick_of_due, Some(base.tick_of_due));
    report.steady(&format!("tick without alarms, {name}"), full.tick_of_none, Some(base.tick_of_none));

    let hold = arguments.hold();
    let (free_rate, without) = churn(database, &host, hold, false).await?;
    let (with_rate, with) = churn(database, &host, hold, true).await?;
    let name = format!("after {} s of work under a snapshot", hold.as_secs());
    report.steady(&format!("claim of {CLAIM}, {name}"), with.claim, Some(without.claim));
    report.steady(&format!("the same from the start of the line, {name}"), with.whole_line, Some(without.whole_line));
    report.steady(&format!("tick without alarms, {name}"), with.tick_of_none, Some(without.tick_of_none));
    report.steady_rate(&format!("no-op jobs, {name}"), with_rate, free_rate);
    host.close().await;
    database.clear().await
}

async fn times_on(database: &Database, host: &LocalHost, rows: Rows) -> anyhow::Result<Times> {
    let filled = Instant::now();
    fill(database, rows, Work::Nothing.kind()).await?;
    times(database, host, rows.ringing > 0, filled).await
}

/// Times everything as of a moment: on a slow machine more alarms would go off meanwhile than are meant to.
async fn times(database: &Database, host: &LocalHost, with_alarms: bool, moment: Instant) -> anyhow::Result<Times> {
    let clock = Clock::default();
    clock.advance(-TimeDelta::from_std(moment.elapsed())?);
    let mut times = Times::default();
    let mut connections = database.connections(1).await?;
    let Some(connection) = connections.first_mut() else { anyhow::bail!("there is no connection") };
    // The plan is made before anything is timed.
    jobs::wake(connection, 0, LOOK_AHEAD, &clock).await?;
    host.worker.runner.claim_due(0, Place::START).await?;
    statements::counting(database, true).await?;
    statements::pages(database).await?;
    if with_alarms {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let woken = jobs::wake(connection, ROUND, LOOK_AHEAD, &clock).await?;
            rounds.push(ms(started));
            anyhow::ensure!(i64::try_from(woken.alarms())? == ROUND, "an alarm did not ring");
        }
        times.tick_of_due = cost(database, rounds).await?;
    }
    let mut rounds = Vec::new();
    for _ in 0..SAMPLES {
        let started = Instant::now();
        jobs::wake(connection, ROUND, LOOK_AHEAD, &clock).await?;
        rounds.push(ms(started));
    }
    times.tick_of_none = cost(database, rounds).await?;

    let (mut from, mut claims) = (Place::START, Vec::new());
    for _ in 0..=SAMPLES {
        let started = Instant::now();
        let line = host.worker.runner.claim_due(CLAIM, from).await?;
        claims.push(ms(started));
        from = line.first.unwrap_or(Place::START);
    }
    times.claim = cost(database, claims).await?;
    let mut claims = Vec::new();
    for _ in 0..SAMPLES {
        let started = Instant::now();
        host.worker.runner.claim_due(CLAIM, Place::START).await?;
        claims.push(ms(started));
    }
    times.whole_line = cost(database, claims).await?;
    statements::counting(database, false).await?;
    Ok(times)
}

async fn cost(database: &Database, ms: Vec<f64>) -> anyhow::Result<Cost> {
    Ok(Cost { number: median(ms), pages: statements::pages(database).await? })
}

/// Lets a worker work for a while, beside a snapshot or not; returns the jobs a second of the last fifth of that time,
/// and how fast claims and ticks are then.
async fn churn(database: &Database, host: &LocalHost, time: Duration, held: bool) -> anyhow::Result<(f64, Times)> {
    // The table is one in use: of an empty one, the planner takes it that reading all of it costs nothing.
    fill(database, Rows { finished: USED, ..Rows::default() }, Work::Nothing.kind()).await?;
    kinds::reset();
    let mut others = database.connections(1).await?;
    let Some(other) = others.first_mut() else { anyhow::bail!("there is no connection") };
    if held {
        sqlx::raw_sql(HOLD).execute(&mut *other).await?;
    }

    let progress = host.serve_during(SLOTS, feed(database, host, time)).await?;
    let mut last = progress.iter().filter(|(at, _)| *at >= time.mul_f64(0.8));
    let rate = match (last.next(), last.next_back()) {
        (Some((from, before)), Some((to, after))) => float(after - before) / to.saturating_sub(*from).as_secs_f64(),
        _ => 0.0,
    };
    write(database, JOBS, || Work::Nothing.job()).await?;
    let times = times(database, host, false, Instant::now()).await?;
    if held {
        sqlx::raw_sql("rollback").execute(other).await?;
    }
    Ok((rate, times))
}

/// Keeps a backlog, and notes how many jobs were done at which time.
async fn feed(database: &Database, host: &LocalHost, time: Duration) -> anyhow::Result<Vec<(Duration, usize)>> {
    let started = Instant::now();
    let (mut written, mut progress) = (0, Vec::new());
    while started.elapsed() < time {
        let done = kinds::done();
        progress.push((started.elapsed(), done));
        if written < done + BACKLOG {
            write(database, CHUNK, || Work::Nothing.job()).await?;
            written += CHUNK;
            host.local.wake();
        } else {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    crate::workers::drained(database, written).await?;
    Ok(progress)
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
