//! Every route, one line each. A new one is a file in `routes/` and a line here; its documentation comes with it.

mod auth;
mod exports;
mod health;
mod hello;
mod jobs;
mod openapi;
mod tasks;

pub use health::HealthCache;

use crate::AppState;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns all routes with their documentation.
pub(crate) fn all(docs: bool) -> OpenApiRouter<AppState> {
    let router = OpenApiRouter::new()
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_liveness))
        .routes(routes!(health::get_readiness))
        .routes(routes!(health::get_ready))
        .routes(routes!(hello::get_hello))
        .routes(routes!(auth::register))
        .routes(routes!(auth::login))
        .routes(routes!(tasks::list_tasks, tasks::create_task))
        .routes(routes!(tasks::get_task, tasks::update_task, tasks::delete_task))
        .routes(routes!(exports::create_export))
        .routes(routes!(exports::get_export_content))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::get_job));
    if docs { router.routes(routes!(openapi::get_openapi)) } else { router }
}

/// Returns the OpenAPI document of all routes.
#[must_use]
pub fn openapi() -> OpenApi {
    openapi::describe(all(true).into_openapi())
}
