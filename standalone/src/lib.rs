//! Errand in one process: the functions of `functions/*` with a PostgreSQL of their own on a laptop, or with a given
//! one in a container.

mod cli;
mod contract;
mod database;
mod event_source;
mod health;
mod http;
mod jobs;
mod listen;
mod metrics;
mod outside;
mod poll;
mod schedules;
mod services;
mod settings;
mod state_dir;
mod stop;
mod table;
mod ticks;
mod up;

pub use cli::Cli;

use cli::Command;

/// Runs a command until it is done or stopped. The environment comes in as a lookup.
///
/// # Errors
/// When the command cannot start; the message says what to do.
pub async fn run(cli: Cli, lookup: &(dyn Fn(&str) -> Option<String> + Sync)) -> anyhow::Result<()> {
    shared::tls::install();
    match cli.command {
        None => up::run(cli.up, lookup).await,
        Some(Command::Up(arguments)) => up::run(arguments, lookup).await,
        Some(Command::Services(arguments)) => services::run(arguments, lookup).await,
        Some(Command::Schedules(arguments)) => schedules::run(arguments, lookup).await,
        Some(Command::Jobs(arguments)) => jobs::run(arguments, lookup).await,
        Some(Command::Contract(arguments)) => contract::run(arguments, lookup).await,
        Some(Command::Health(arguments)) => health::run(&arguments, lookup).await,
    }
}
