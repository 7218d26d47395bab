//! `errand jobs …`.

use clap::{Args, Subcommand, ValueEnum};
use shared::ids::{JobId, OwnerId};
use shared::jobs::State;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct JobsArgs {
    /// The state folder of a running errand, unless a database is named [default: `ERRAND_STATE`, else .errand]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// A stack on AWS, whose own function does it [default: `ERRAND_STACK`, unless a database is named]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// The database [default: `DATABASE_URL`, else that of the running errand]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// The queue that tells workers [default: `QUEUE_URL`, else none: PostgreSQL's NOTIFY]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) queue: Option<String>,
    #[command(subcommand)]
    pub(crate) command: JobsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, newest first.
    List(ListArgs),
    /// Show everything that is known of a job.
    Show(ShowArgs),
    /// Take failed or cancelled jobs up again.
    Retry(RetryArgs),
    /// Call jobs off: at once when they wait, soon when they run.
    Cancel(CancelArgs),
    /// Count what waits and runs, and what ended within the last 24 hours.
    Stats(StatsArgs),
    /// Move messages from the dead-letter queue back to the queue.
    Redrive(RedriveArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Only jobs of this kind.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only jobs in this state.
    #[arg(long)]
    pub(crate) state: Option<StateArg>,
    /// Only jobs of this user.
    #[arg(long, value_name = "ID")]
    pub(crate) owner: Option<OwnerId>,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub(crate) limit: i64,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The job.
    pub(crate) id: JobId,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RetryArgs {
    /// The jobs.
    #[arg(required_unless_present = "all_failed", conflicts_with_all = ["kind", "all_failed", "limit"])]
    pub(crate) ids: Vec<JobId>,
    /// The kind whose failed jobs are meant.
    #[arg(long, requires = "all_failed")]
    pub(crate) kind: Option<String>,
    /// All failed jobs of the kind, newest first.
    #[arg(long, requires = "kind")]
    pub(crate) all_failed: bool,
    /// How many of them at most.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub(crate) limit: i64,
}

#[derive(Args, Debug)]
pub(crate) struct CancelArgs {
    /// The jobs.
    #[arg(required = true)]
    pub(crate) ids: Vec<JobId>,
}

#[derive(Args, Debug)]
pub(crate) struct StatsArgs {
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RedriveArgs {
    /// The dead-letter queue [default: `DEAD_LETTER_QUEUE_URL`]
    #[arg(long, value_name = "URL")]
    pub(crate) dead_letters: Option<String>,
    /// How many messages are looked at, at most.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Move messages that name no job too.
    #[arg(long)]
    pub(crate) all: bool,
}

/// A state, as a word of the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StateArg {
    Available,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl From<StateArg> for State {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Available => Self::Available,
            StateArg::Running => Self::Running,
            StateArg::Succeeded => Self::Succeeded,
            StateArg::Failed => Self::Failed,
            StateArg::Cancelled => Self::Cancelled,
        }
    }
}
