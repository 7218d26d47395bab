//! The way out as a Lambda function: one request in, one answer out.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use outbound::{Config, Gateway};
use shared::aws::Sdk;
use shared::outbound::Request;
use shared::trace::Trace;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    // What it cannot do is an error of whoever asked for it, who reports it.
    shared::telemetry::init(config.log, None);
    let gateway = &Gateway::new(config, Arc::new(Sdk::of_a_function()));
    run(service_fn(async move |event: LambdaEvent<Request>| {
        // A mail says none: its line has the id of the job.
        let trace = event.payload.trace();
        let trace = trace.unwrap_or_else(|| Trace::of_invocation(event.context.xray_trace_id.as_deref()));
        Ok::<_, Error>(trace.around(gateway.handle(event.payload)).await?)
    }))
    .await
}
