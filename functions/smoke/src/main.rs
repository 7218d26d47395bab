//! The smoke test as a Lambda function: CodeDeploy invokes it before traffic moves to a new version of the API.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use shared::aws::Sdk;
use shared::clock::time_left;
use smoke::{Config, Hook, Patience, Smoke};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    // Its errors are those of a deployment, which shows them.
    shared::telemetry::init(config.log, None);
    let smoke = &Smoke::new(config, Arc::new(Sdk::of_a_function()), Patience::default());
    run(service_fn(async move |event: LambdaEvent<Hook>| {
        let left = time_left(event.context.deadline());
        Ok::<_, Error>(smoke.handle(event.payload, left).await?)
    }))
    .await
}
