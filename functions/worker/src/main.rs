//! The worker as a Lambda function.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use shared::clock::time_left;
use std::time::Instant;
use worker::{Config, Worker, handle_batch};

#[tokio::main]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    shared::telemetry::init(config.log);
    let worker = &Worker::from_config(config);
    run(service_fn(async move |event: LambdaEvent<SqsEvent>| {
        let left = time_left(event.context.deadline());
        // Boxed: it holds the futures of everything that a batch does.
        Ok::<_, Error>(Box::pin(handle_batch(worker, event.payload, Instant::now() + left)).await)
    }))
    .await
}
