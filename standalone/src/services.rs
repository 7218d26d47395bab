//! `errand services`: only PostgreSQL and the source of events, beside `cargo lambda watch`, which runs the functions.

use crate::cli::ServicesArgs;
use crate::database;
use crate::event_source::EventSource;
use crate::state_dir::{StateDir, write_private};
use crate::stop::Signals;
use shared::config::{DatabaseConfig, DatabaseSource, LogConfig, LogFormat};
use shared::db::Db;
use shared::secrets::Secrets;
use std::io::Write as _;
use std::path::Path;
use tokio_util::sync::CancellationToken;
use tracing::Level;

/// The name of the file with the functions' variables, in the state folder.
const ENV_FILE: &str = "lambda.env";

/// Runs until it is stopped.
pub(crate) async fn run(
    arguments: ServicesArgs,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> anyhow::Result<()> {
    let state_dir = StateDir::open(&arguments.state, lookup)?;
    shared::telemetry::init(LogConfig { level: Level::INFO, format: LogFormat::Text }, None);
    let server = database::start(&state_dir, lookup).await?;
    let url = database::url(&server);
    let config = DatabaseConfig { source: DatabaseSource::Url(url.clone().into()), pool_size: 2 };
    database::prepare(config.clone()).await?;

    let variables = [
        ("DATABASE_URL", url),
        ("SECRET_KEY", state_dir.secret_key()?),
        ("EXPORT_DIR", state_dir.exports().display().to_string()),
        ("MAIL_DIR", state_dir.mail().display().to_string()),
        // The worker invokes the way out where all functions are; the SDK signs what nobody checks there.
        ("OUTBOUND_FUNCTION", "outbound".to_owned()),
        ("AWS_ENDPOINT_URL", arguments.lambda.trim_end_matches('/').to_owned()),
        ("AWS_REGION", "local".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("LOG_FORMAT", "text".to_owned()),
    ];
    let env_file = state_dir.path().join(ENV_FILE);
    let mut lines = Vec::new();
    for (name, value) in variables {
        writeln!(lines, "{name}={value}")?;
    }
    write_private(&env_file, &lines)?;
    let signals = Signals::catch()?;
    announce(&env_file, &arguments.lambda)?;

    let db = Db::new(config, Secrets::new(std::sync::Arc::default()));
    let source = EventSource::new(&arguments.lambda)?;
    let stop = CancellationToken::new();
    let ran = tokio::select! {
        () = source.run(&db, &stop) => Ok(()),
        ended = signals.watch(stop.clone()) => ended,
    };
    db.close().await;
    server.stop().await?;
    ran
}

fn announce(env_file: &Path, lambda: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n  PostgreSQL is up, and messages go to {lambda}. In another terminal:\n")?;
    writeln!(out, "  cargo lambda watch --env-file {}\n", env_file.display())?;
    writeln!(out, "  The API answers at {lambda}; Ctrl-C stops all of it.\n")?;
    Ok(())
}
