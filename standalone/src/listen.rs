//! PostgreSQL's LISTEN, for what other processes write. A listener that lost its connection comes back, and looks.

use shared::db::Db;
use shared::jobs::CHANNEL;
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The pause before a new connection.
const PAUSE: Duration = Duration::from_secs(1);

/// What a listener hears.
pub(crate) enum Heard {
    /// A notice: what was written into the channel.
    Notice(String),
    /// It listens (again): whatever was said before was missed.
    Connected,
}

/// Listens until the stop.
pub(crate) async fn run(db: &Db, stop: &CancellationToken, mut hear: impl FnMut(Heard)) {
    loop {
        let failed = tokio::select! {
            () = stop.cancelled() => return,
            failed = listen(db, &mut hear) => failed,
        };
        tracing::warn!(error = format!("{failed:#}"), "The listener lost its connection and comes back");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Listens until the connection fails, and returns why.
async fn listen(db: &Db, hear: &mut impl FnMut(Heard)) -> anyhow::Error {
    let listening = async {
        // A pool of one, without the time limits of requests: the listener waits for days.
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut listener = PgListener::connect_with(&pool.connect_with(db.connect_options().await?).await?).await?;
        listener.listen(CHANNEL).await?;
        hear(Heard::Connected);
        while let Some(notice) = listener.try_recv().await? {
            hear(Heard::Notice(notice.payload().to_owned()));
        }
        Err::<Infallible, _>(anyhow::anyhow!("PostgreSQL closed the connection"))
    };
    match listening.await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}
