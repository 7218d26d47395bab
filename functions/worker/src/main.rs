//! The worker as a Lambda function.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use shared::clock::time_left;
use shared::metrics::Metrics;
use shared::metrics::emf::Emf;
use std::sync::Arc;
use std::time::Instant;
use worker::{Config, Worker, handle_batch};

#[tokio::main]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    shared::telemetry::init(config.log);
    let metrics = Metrics::default();
    let emf = &Emf::new(metrics.clone(), config.environment, config.log);
    let worker = &Worker::from_config(config);
    worker.runner.observe(Arc::new(metrics));
    run(service_fn(async move |event: LambdaEvent<SqsEvent>| {
        let left = time_left(event.context.deadline());
        // Boxed: it holds the futures of everything that a batch does.
        let response = Box::pin(handle_batch(worker, event.payload, Instant::now() + left)).await;
        emf.write(&worker.state.clock);
        Ok::<_, Error>(response)
    }))
    .await
}
