//! A Lambda function that panics at each event: whether a panic ends the process is decided by how it was built.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::panic, reason = "this is what it is for")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |event: LambdaEvent<Value>| -> Result<Value, Error> { panic!("{}", event.payload) })).await
}
