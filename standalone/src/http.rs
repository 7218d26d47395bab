//! The HTTP server. It never drops an accepted request.

use anyhow::{Context as _, bail};
use api::Stopping;
use axum::{Extension, Router};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long requests under way may take after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(26);

/// Takes the port, before anything slow is started.
pub(crate) async fn bind(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    match TcpListener::bind((host, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {port} of {host} is taken: stop the program that has it, or choose another port with --port or PORT"
        ),
        Err(error) => Err(error).with_context(|| format!("port {port} of {host} cannot be listened on")),
    }
}

/// Serves until the stop, then finishes what was accepted. Requests that wait for something hear of the stop.
pub(crate) async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) -> anyhow::Result<()> {
    let (say, stops) = watch::channel(false);
    let app = app.layer(Extension(Stopping::new(stops)));
    let stopped = stop.clone().cancelled_owned();
    let told = async move {
        stopped.await;
        say.send_replace(true);
    };
    let serving = async { axum::serve(listener, app).with_graceful_shutdown(told).await };
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => Ok(served?),
        () = too_long => bail!("requests were still under way {} s after the stop", DRAIN.as_secs()),
    }
}
