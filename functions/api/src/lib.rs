//! The HTTP API: one router, the same under Lambda, in the standalone server and in the tests.

mod auth;
mod config;
mod error;
mod extract;
mod middleware;
mod page;
mod problem;
mod routes;
mod state;
mod stopping;

pub use auth::SigningKeys;
pub use config::{Config, SigningConfig, SigningSource};
pub use error::{ApiError, FieldError};
pub use routes::HealthCache;
pub use routes::openapi;
pub use state::AppState;
pub use stopping::Stopping;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use shared::telemetry::Reports;

/// Builds the router. All routes are in `routes.rs`; everything around them is in `middleware.rs`.
pub fn app(state: AppState) -> Router {
    middleware::around(routes::router()).with_state(state)
}

/// The router for a host that is frozen between two requests: the errors of one are reported before it is answered.
pub fn reporting(app: Router, reports: Reports) -> Router {
    app.layer(from_fn(move |request: Request, next: Next| {
        let reports = reports.clone();
        async move {
            let response = next.run(request).await;
            reports.flush().await;
            response
        }
    }))
}
