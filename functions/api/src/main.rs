//! The HTTP API as a Lambda function.

use api::{AppState, Config, app};
use lambda_http::{Error, run};

#[tokio::main]
async fn main() -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let config = Config::load(&|name| std::env::var(name).ok())?;
    shared::telemetry::init(config.log);
    run(app(AppState::from_config(config))).await
}
