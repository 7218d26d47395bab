//! `errand jobs`: what an operator does with jobs, in the database and the queue of any deployment, or through the function of
//! a stack, which reaches both.

mod cancel;
mod list;
mod operator;
mod redrive;
mod retry;
mod show;
mod stack;
mod stats;

use crate::cli::jobs::{JobsArgs, JobsCommand};
use anyhow::ensure;
use operator::{Operator, Place};
use shared::config::{LogConfig, LogFormat};
use std::io;
use tracing::Level;

/// Runs a command to its end.
pub(crate) async fn run(arguments: JobsArgs, lookup: &(dyn Fn(&str) -> Option<String> + Sync)) -> anyhow::Result<()> {
    shared::telemetry::init(LogConfig { level: Level::WARN, format: LogFormat::Text }, None);
    let JobsArgs { state, stack, database, queue, command } = arguments;
    let is_of_a_stack = stack.is_some();
    let place = Place { state, stack, database, queue };
    // The command line wins over the environment.
    let with_arguments = |name: &str| {
        let argument = match name {
            "DATABASE_URL" => place.database.clone(),
            "QUEUE_URL" => place.queue.clone(),
            _ => None,
        };
        argument.or_else(|| lookup(name))
    };
    let open = || Operator::open(&place, lookup, &with_arguments);
    // Boxed: the SDK's futures are large.
    let ran = match command {
        JobsCommand::List(arguments) => list::run(arguments, &mut open().await?).await,
        JobsCommand::Show(arguments) => show::run(&arguments, &mut open().await?).await,
        JobsCommand::Retry(arguments) => Box::pin(retry::run(arguments, &mut open().await?)).await,
        JobsCommand::Cancel(arguments) => cancel::run(&arguments, &mut open().await?).await,
        JobsCommand::Stats(arguments) => stats::run(&arguments, &mut open().await?).await,
        JobsCommand::Redrive(arguments) => {
            ensure!(
                !is_of_a_stack,
                "redrive goes from queue to queue, and not through a stack's function: name the queues, which are its \
                 outputs QueueUrl and DeadLetterQueueUrl, with --queue and --dead-letters"
            );
            Box::pin(redrive::run(arguments, &with_arguments)).await
        }
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
