//! `errand jobs`: what an operator does with jobs, in the database and the queue of any deployment.

mod cancel;
mod list;
mod redrive;
mod retry;
mod show;
mod stats;

use crate::cli::jobs::{JobsArgs, JobsCommand};
use crate::database;
use anyhow::bail;
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::config::{self, LogConfig, LogFormat, QueueConfig};
use shared::db::Db;
use shared::jobs::Notifier;
use sqlx::PgConnection;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::Level;

/// Runs a command to its end.
pub(crate) async fn run(arguments: JobsArgs, lookup: &(dyn Fn(&str) -> Option<String> + Sync)) -> anyhow::Result<()> {
    shared::telemetry::init(LogConfig { level: Level::WARN, format: LogFormat::Text }, None);
    let JobsArgs { state, database, queue, command } = arguments;
    // The command line wins over the environment.
    let lookup = |name: &str| {
        let argument = match name {
            "DATABASE_URL" => database.clone(),
            "QUEUE_URL" => queue.clone(),
            _ => None,
        };
        argument.or_else(|| lookup(name))
    };
    // Boxed: the SDK's futures are large.
    let ran = match command {
        JobsCommand::List(arguments) => list::run(arguments, &mut Operator::open(state, &lookup).await?).await,
        JobsCommand::Show(arguments) => show::run(&arguments, &mut Operator::open(state, &lookup).await?).await,
        JobsCommand::Retry(arguments) => {
            Box::pin(retry::run(arguments, &mut Operator::open(state, &lookup).await?)).await
        }
        JobsCommand::Cancel(arguments) => cancel::run(&arguments, &mut Operator::open(state, &lookup).await?).await,
        JobsCommand::Stats(arguments) => stats::run(&arguments, &mut Operator::open(state, &lookup).await?).await,
        JobsCommand::Redrive(arguments) => Box::pin(redrive::run(arguments, &lookup)).await,
    };
    match ran {
        // Whoever reads the output has read enough.
        Err(error) if is_closed_pipe(&error) => Ok(()),
        ran => ran,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// What the commands work with.
struct Operator {
    connection: PgConnection,
    notifier: Notifier,
    clock: Clock,
}

impl Operator {
    /// Connects to the database that was named, or to that of the running errand.
    async fn open(state: Option<PathBuf>, lookup: &(dyn Fn(&str) -> Option<String> + Sync)) -> anyhow::Result<Self> {
        let queue = config::load(lookup, |reader| Some(QueueConfig::read(reader)))?;
        let db: Db = database::existing(state, lookup).await?;
        let connection = match database::connect(&db).await? {
            Ok(connection) => connection,
            Err(why) => bail!("the database cannot be used: {why}"),
        };
        let notifier = Notifier::remote(queue.url.as_deref(), Arc::new(Sdk::default()), &db);
        Ok(Self { connection, notifier, clock: Clock::default() })
    }
}
