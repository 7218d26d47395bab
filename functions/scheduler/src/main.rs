//! The scheduler as a Lambda function: invoked each minute, and by operators.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use scheduler::{Config, Invocation, Scheduler, handle};
use serde_json::Value;
use shared::clock::time_left;
use shared::metrics::emf::Emf;
use shared::trace::Trace;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    let reports = &shared::telemetry::init(config.log, config.sentry.clone());
    let (environment, log) = (config.environment, config.log);
    let scheduler = &Scheduler::from_config(config);
    let emf = &Emf::new(scheduler.upkeep.metrics.clone(), environment, log);
    run(service_fn(async move |LambdaEvent { payload, context }: LambdaEvent<Value>| {
        let invocation = Invocation { id: &context.request_id, time_left: time_left(context.deadline()) };
        let trace = Trace::of_invocation(context.xray_trace_id.as_deref());
        // Boxed: it holds the futures of everything that an invocation does.
        let answer = trace.around(Box::pin(handle(scheduler, &payload, invocation))).await;
        emf.write(&scheduler.clock);
        reports.flush().await;
        Ok::<_, Error>(answer?)
    }))
    .await
}
