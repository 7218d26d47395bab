//! Looking at the dependencies, and remembering what was seen.

use super::Health;
use crate::AppState;
use serde::Serialize;
use shared::jobs::Notifier;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// How long one dependency may take to answer; the probes promise an answer within a second.
const LIMIT: Duration = Duration::from_millis(800);

/// How each dependency is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Components {
    /// PostgreSQL.
    database: Health,
    /// What tells workers of jobs. Without it jobs start late, and none is lost: it can only be `degraded`.
    queue: Health,
    /// What signs tokens.
    secrets: Health,
}

impl Components {
    pub(super) fn overall(self) -> Health {
        let all = [self.database, self.queue, self.secrets];
        if all.contains(&Health::Unhealthy) {
            Health::Unhealthy
        } else if all.contains(&Health::Degraded) {
            Health::Degraded
        } else {
            Health::Healthy
        }
    }
}

/// The latest look; scanners that call a public probe must not reach the database each time.
#[derive(Clone, Debug)]
pub struct HealthCache {
    time_to_live: Duration,
    latest: Arc<Mutex<Option<(Instant, Components)>>>,
}

impl HealthCache {
    /// Remembers for 30 seconds: on Lambda every look costs, and anybody can ask for one.
    #[must_use]
    pub fn for_lambda() -> Self {
        Self { time_to_live: Duration::from_secs(30), latest: Arc::default() }
    }

    /// Remembers nothing: probes of a server want to know now.
    #[must_use]
    pub fn off() -> Self {
        Self { time_to_live: Duration::ZERO, latest: Arc::default() }
    }
}

/// Looks at all dependencies at once, or remembers.
pub(super) async fn look(state: &AppState) -> Components {
    // Held while looking: probes that come meanwhile share the look, however long it is remembered.
    let asked_at = Instant::now();
    let mut latest = state.health.latest.lock().await;
    if let Some((at, components)) = *latest
        && (at > asked_at || at.elapsed() < state.health.time_to_live)
    {
        return components;
    }
    let (database, queue, secrets) = tokio::join!(
        within_limit(database(state), Health::Unhealthy),
        within_limit(queue(state), Health::Degraded),
        within_limit(secrets(state), Health::Unhealthy),
    );
    let components = Components { database, queue, secrets };
    *latest = Some((Instant::now(), components));
    components
}

async fn within_limit(check: impl Future<Output = bool>, otherwise: Health) -> Health {
    match tokio::time::timeout(LIMIT, check).await {
        Ok(true) => Health::Healthy,
        Ok(false) | Err(_) => otherwise,
    }
}

async fn database(state: &AppState) -> bool {
    let Ok(mut connection) = state.db.acquire().await else { return false };
    sqlx::query("select 1").execute(&mut *connection).await.is_ok()
}

async fn queue(state: &AppState) -> bool {
    match &state.notifier {
        Notifier::Sqs(sqs) => {
            let request = sqs.client().await.get_queue_attributes().queue_url(sqs.queue_url());
            // Boxed: the SDK's futures are large, and would otherwise become part of every future above.
            Box::pin(request.send()).await.is_ok()
        }
        // PostgreSQL is the queue then, and has its own line.
        Notifier::Postgres(_) => true,
    }
}

async fn secrets(state: &AppState) -> bool {
    state.signing.ready().await.is_ok()
}
