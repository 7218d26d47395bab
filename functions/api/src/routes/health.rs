//! Probes. Liveness asks nothing of anybody; the others look at the dependencies, within a second.

mod checks;

pub use checks::HealthCache;

use crate::AppState;
use crate::extract::Json;
use axum::extract::State;
use axum::http::StatusCode;
use checks::Components;
use serde::Serialize;
use utoipa::ToSchema;

/// How well something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Health {
    Healthy,
    /// Works, with something missing that does not lose work.
    Degraded,
    Unhealthy,
}

/// The service's own answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    status: Health,
}

/// The service and what it depends on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    status: Health,
    components: Components,
}

impl Report {
    fn of(components: Components) -> (StatusCode, Self) {
        let status = components.overall();
        (code(status), Self { status, components })
    }
}

fn code(status: Health) -> StatusCode {
    if status == Health::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

/// Tells how the service and each of its dependencies are.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    security(()),
    responses((status = 200, body = Report), (status = 503, description = "A dependency is down", body = Report)),
)]
pub(super) async fn get_health(State(state): State<AppState>) -> (StatusCode, Json<Report>) {
    let (code, report) = Report::of(checks::look(&state).await);
    (code, Json(report))
}

/// Tells that the process answers, whatever its dependencies do.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()), responses((status = 200, body = Status)))]
pub(super) async fn get_liveness() -> Json<Status> {
    Json(Status { status: Health::Healthy })
}

/// Tells whether requests can be served.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    security(()),
    responses((status = 200, body = Status), (status = 503, description = "A dependency is down", body = Status)),
)]
pub(super) async fn get_readiness(State(state): State<AppState>) -> (StatusCode, Json<Status>) {
    let status = checks::look(&state).await.overall();
    (code(status), Json(Status { status }))
}

/// The same as `/health/ready`, under the other usual name.
#[utoipa::path(
    get,
    path = "/ready",
    tag = "health",
    security(()),
    responses((status = 200, body = Status), (status = 503, description = "A dependency is down", body = Status)),
)]
pub(super) async fn get_ready(state: State<AppState>) -> (StatusCode, Json<Status>) {
    get_readiness(state).await
}
