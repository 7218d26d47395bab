//! The way out as a Lambda function: one request in, one answer out.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use outbound::{Config, Gateway};
use shared::aws::Sdk;
use shared::outbound::Request;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    shared::telemetry::init(config.log);
    let gateway = &Gateway::new(config, Arc::new(Sdk::of_a_function()));
    run(service_fn(async move |event: LambdaEvent<Request>| {
        let answer = gateway.handle(event.payload).await?;
        Ok::<_, Error>(answer)
    }))
    .await
}
