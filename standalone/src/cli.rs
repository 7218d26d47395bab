//! The command line.

pub(crate) mod jobs;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Tasks, and background jobs that are never lost and never applied twice.
#[derive(Debug, Parser)]
#[command(name = "errand", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) up: UpArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in this process (the default).
    Up(UpArgs),
    /// Run only PostgreSQL and the source of events, beside `cargo lambda watch`.
    Services(ServicesArgs),
    /// Show the periodic jobs: when each was last, and when it is next.
    Schedules(SchedulesArgs),
    /// Look after jobs, in any database and queue, or through a stack on AWS.
    Jobs(jobs::JobsArgs),
    /// Take away from the database what only older releases need, when none of them runs any more.
    Contract(ContractArgs),
    /// Ask the errand that runs here how it is; the exit code is 0 when it is well.
    Health(HealthArgs),
}

#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) state: StateArgs,
    /// The address to listen on [default: HOST, else 127.0.0.1]
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// The port to listen on [default: PORT, else 8000]
    #[arg(long)]
    pub(crate) port: Option<u16>,
}

#[derive(Args, Debug)]
pub(crate) struct ServicesArgs {
    #[command(flatten)]
    pub(crate) state: StateArgs,
    /// Where `cargo lambda watch` answers.
    #[arg(long, default_value = "http://127.0.0.1:9000")]
    pub(crate) lambda: String,
}

#[derive(Args, Debug)]
pub(crate) struct SchedulesArgs {
    /// The state folder of a running errand, unless `DATABASE_URL` names a database [default: `ERRAND_STATE`, else .errand]
    #[arg(long)]
    pub(crate) state: Option<PathBuf>,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ContractArgs {
    /// The state folder of a running errand, unless `DATABASE_URL` names a database [default: `ERRAND_STATE`, else .errand]
    #[arg(long)]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct HealthArgs {
    /// The port that it listens on [default: PORT, else 8000]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Ask for its database and what else it needs, too.
    #[arg(long)]
    pub(crate) ready: bool,
}

#[derive(Args, Debug)]
pub(crate) struct StateArgs {
    /// The folder of everything that is kept [default: `ERRAND_STATE`, else .errand]
    #[arg(long)]
    pub(crate) state: Option<PathBuf>,
    /// Delete everything that is kept there first.
    #[arg(long)]
    pub(crate) fresh: bool,
}
