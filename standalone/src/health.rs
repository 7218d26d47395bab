//! `errand health`: asks the errand of this machine how it is. Images without a shell have nothing else to ask with.

use crate::cli::HealthArgs;
use crate::settings;
use anyhow::{Context as _, ensure};
use std::time::Duration;

/// For connection and answer together; the Dockerfile waits a second longer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Ends well when it answers well.
pub(crate) async fn run(
    arguments: &HealthArgs,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> anyhow::Result<()> {
    let (host, port) = settings::address(lookup)?;
    let port = arguments.port.unwrap_or(port);
    let path = if arguments.ready { "/health/ready" } else { "/health/live" };
    let url = format!("http://{}:{port}{path}", reachable(&host));
    #[expect(clippy::disallowed_methods, reason = "a probe that waits for long is a probe that fails")]
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let answer = client.get(&url).send().await.with_context(|| format!("nothing answers at {url}"))?;
    ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
    Ok(())
}

/// Where to connect to. The address that stands for all of a machine's is one to listen on alone.
fn reachable(host: &str) -> String {
    match host {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    }
}
