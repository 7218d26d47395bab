//! The scheduler as a Lambda function: invoked each minute, whatever the event says.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use scheduler::{Config, Scheduler};
use serde_json::Value;
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
    run(service_fn(async move |event: LambdaEvent<Value>| {
        let trace = Trace::of_invocation(event.context.xray_trace_id.as_deref());
        // Boxed: it holds the futures of everything that a tick does.
        let tick = trace.around(Box::pin(scheduler.tick())).await;
        emf.write(&scheduler.clock);
        reports.flush().await;
        Ok::<_, Error>(tick?)
    }))
    .await
}
