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

/// Builds the router. All routes are in `routes.rs`; everything around them is in `middleware.rs`.
pub fn app(state: AppState) -> Router {
    middleware::around(routes::router()).with_state(state)
}
