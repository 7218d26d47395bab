//! Migrations and rotations as a Lambda function: a custom resource of the stack, the rotation function of its secrets, or
//! invoked by hand.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use migrate::{Config, State, handle};
use serde_json::Value;
use shared::clock::time_left;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    let reports = &shared::telemetry::init(config.log, config.sentry.clone());
    let state = &State::from_config(config);
    run(service_fn(async move |event: LambdaEvent<Value>| {
        let left = time_left(event.context.deadline());
        let done = handle(state, event.payload, left).await;
        reports.flush().await;
        Ok::<_, Error>(done?)
    }))
    .await
}
