//! Migrations as a Lambda function: a custom resource of the stack, or invoked by hand.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use migrate::{Config, handle};
use serde_json::Value;
use shared::aws::Sdk;
use shared::clock::time_left;
use shared::db::Db;
use shared::secrets::Secrets;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    shared::telemetry::init(config.log);
    let db = &Db::new(config.database, Secrets::new(Arc::new(Sdk::of_a_function())));
    run(service_fn(async move |event: LambdaEvent<Value>| {
        let left = time_left(event.context.deadline());
        Ok::<_, Error>(handle(db, event.payload, left).await?)
    }))
    .await
}
