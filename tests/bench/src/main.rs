//! Measures the job engine: how much it does in a second, how long a job waits, and what that costs; next to the same
//! statements from a bare loop, in the same run on the same PostgreSQL. A tool, never deployed.

mod arguments;
mod compare;
mod cpu;
mod database;
mod drain;
mod enqueue;
mod fairness;
mod fill;
mod flat;
mod floor;
mod kinds;
mod latency;
mod peer;
mod report;
mod statements;
mod workers;

use arguments::{Arguments, Part};
use clap::Parser as _;
use database::Database;
use local_postgres::Search;
use report::Report;
use std::process::ExitCode;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let search = Search::from_environment(|name| std::env::var(name).ok());
    log_as_a_worker_does();
    match Box::pin(measure(&arguments, search)).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::progress(&format!("bench-jobs: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Formats the log lines of a worker in production and throws them away: the engine pays for them as it does there.
fn log_as_a_worker_does() {
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(["shared", "worker"].map(|ours| (ours, LevelFilter::INFO)));
    let layer = shared::telemetry::JsonLines::new(std::io::sink).with_filter(filter);
    let _first_of_this_process = Registry::default().with(layer).try_init();
}

/// Takes every measure that was asked for, and tells whether the bound was held.
async fn measure(arguments: &Arguments, search: Search) -> anyhow::Result<bool> {
    let database = Database::start(&arguments.data(), search).await?;
    let mut report = Report::new(arguments, database.describe().await?);
    let measured = measure_on(&database, arguments, &mut report).await;
    database.stop().await?;
    measured?;
    if let Some(folder) = &arguments.peer {
        report.peer = Some(peer::run(folder, arguments).await?);
    }
    report.print(&mut std::io::stdout().lock())?;
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(holds(arguments.at_least, report.lowest()))
}

async fn measure_on(database: &Database, arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    for part in arguments.parts() {
        match part {
            Part::Enqueue => enqueue::measure(database, arguments, report).await?,
            Part::Drain => drain::measure(database, arguments, report).await?,
            Part::Latency => latency::measure(database, arguments, report).await?,
            Part::Flat => flat::measure(database, arguments, report).await?,
            Part::Fairness => fairness::measure(database, arguments, report).await?,
        }
    }
    Ok(())
}

/// Tells whether every drain has as much of its floor as was asked for.
fn holds(at_least: Option<f64>, lowest: Option<(&str, f64)>) -> bool {
    match (at_least, lowest) {
        (Some(bound), Some((name, share))) if share < bound => {
            report::progress(&format!("bench-jobs: {name} has {share:.0} % of its floor, less than {bound:.0} %"));
            false
        }
        (Some(_), None) => {
            report::progress("bench-jobs: nothing was drained that a bound could be for");
            false
        }
        _ => true,
    }
}
