//! The worker as a Lambda function.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use worker::{Config, Function};

#[tokio::main]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    let reports = shared::telemetry::init(config.log, config.sentry.clone());
    let function = &Function::from_config(config, reports);
    run(service_fn(async move |event: LambdaEvent<SqsEvent>| Ok::<_, Error>(function.handle(event).await))).await
}
