//! A worker process. `ERRAND_ACTOR` says which host it plays: `events` (a Lambda function) or `serve` (a container
//! without a queue).

use lambda_runtime::Error;
use worker::Config;

/// More threads than there are cores: a job that never awaits takes one away.
#[tokio::main(worker_threads = 4)]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let lookup = |name: &str| std::env::var(name).ok();
    let config = Config::load(&lookup)?;
    shared::tls::install();
    let reports = shared::telemetry::init(config.log, config.sentry.clone());
    match lookup("ERRAND_ACTOR").as_deref() {
        Some("serve") => Box::pin(actors::hosts::serve(config)).await?,
        _ => actors::hosts::events(config, reports).await?,
    }
    Ok(())
}
