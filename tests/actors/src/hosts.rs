//! The two hosts of a worker: events of SQS through Lambda's Runtime API, and PostgreSQL alone.

use crate::registry;
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use shared::clock::time_left;
use shared::db::Db;
use shared::jobs::{CHANNEL, LocalWorker, Notifier, PostgresNotifier};
use shared::telemetry::Reports;
use sqlx::postgres::PgListener;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use worker::{Config, State, Worker, handle_batch};

/// Jobs that run side by side in a container.
const SLOTS: usize = 8;

/// The pause before a listener that lost its connection comes back.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs batches until it is killed, as the product's function does.
///
/// # Errors
/// When the Runtime API cannot be used.
pub async fn events(config: Config, reports: Reports) -> Result<(), Error> {
    let worker = &Worker::of(registry(), Worker::from_config(config).state);
    let reports = &reports;
    run(service_fn(async move |event: LambdaEvent<SqsEvent>| {
        let left = time_left(event.context.deadline());
        // Boxed: it holds the futures of everything that a batch does.
        let response = Box::pin(handle_batch(worker, event.payload, Instant::now() + left)).await;
        reports.flush().await;
        Ok::<_, Error>(response)
    }))
    .await
}

/// Runs due jobs until SIGTERM, as the product's container does without a queue.
///
/// # Errors
/// When the signal cannot be caught.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let state = Worker::from_config(config).state;
    let local = LocalWorker::default();
    let notifier = Notifier::Postgres(PostgresNotifier::local(state.db.beside(1), local.clone()));
    let worker = Worker::of(registry(), State { notifier, ..state });
    let stop = async {
        terminate.recv().await;
    };
    tokio::select! {
        () = worker::serve(&worker, &local, SLOTS, stop) => {}
        () = listen(&worker.state.db, &local) => {}
    }
    Ok(())
}

/// Passes on what other processes say, for ever.
async fn listen(db: &Db, local: &LocalWorker) {
    loop {
        if let Err(error) = heard(db, local).await {
            tracing::warn!(error = format!("{error:#}"), "The listener lost its connection and comes back");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn heard(db: &Db, local: &LocalWorker) -> anyhow::Result<()> {
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let mut listener = PgListener::connect_with(&pool.connect_with(db.connect_options().await?).await?).await?;
    listener.listen(CHANNEL).await?;
    local.wake();
    while let Some(notice) = listener.try_recv().await? {
        local.hear(notice.payload());
    }
    Ok(())
}
