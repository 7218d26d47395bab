//! The HTTP API as a Lambda function.

use api::{AppState, Config, app, reporting};
use lambda_http::{Error, run};

// One request at a time: a second thread would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    let reports = shared::telemetry::init(config.log, config.sentry.clone());
    run(reporting(app(AppState::from_config(config)), reports)).await
}
