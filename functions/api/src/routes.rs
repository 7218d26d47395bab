//! Every route, one line each. A new one is a file in `routes/` and a line here; its documentation comes with it.

mod auth;
mod exports;
mod health;
mod hello;
mod imports;
mod jobs;
mod openapi;
mod schedules;
mod tasks;
mod uploads;
mod webhook_deliveries;
mod webhooks;

pub use health::HealthCache;

use crate::AppState;
use axum::Router;
use axum::routing;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// Makes two functions of one list: the router, which every cold start builds, and the documentation, which takes longer
/// to build than everything else at the start and is only built when it is asked for.
macro_rules! routes {
    ($($method:ident $path:literal $module:ident :: $handler:ident;)*) => {
        /// Returns the router of all routes.
        pub(crate) fn router() -> Router<AppState> {
            Router::new()$(.route($path, routing::$method($module::$handler)))*
        }

        fn documentation() -> OpenApi {
            OpenApiRouter::<AppState>::new()$(.routes(utoipa_axum::routes!($module::$handler)))*.into_openapi()
        }
    };
}

routes! {
    get    "/health"                   health::get_health;
    get    "/health/live"              health::get_liveness;
    get    "/health/ready"             health::get_readiness;
    get    "/ready"                    health::get_ready;
    get    "/hello"                    hello::get_hello;
    get    "/openapi.json"             openapi::get_openapi;
    post   "/v1/auth/register"         auth::register;
    post   "/v1/auth/login"            auth::login;
    get    "/v1/tasks"                 tasks::list_tasks;
    post   "/v1/tasks"                 tasks::create_task;
    get    "/v1/tasks/{id}"            tasks::get_task;
    patch  "/v1/tasks/{id}"            tasks::update_task;
    delete "/v1/tasks/{id}"            tasks::delete_task;
    post   "/v1/exports"               exports::create_export;
    get    "/v1/exports/{id}/content"  exports::get_export_content;
    post   "/v1/imports"               imports::create_import;
    get    "/v1/imports/{id}/errors"   imports::list_import_errors;
    post   "/v1/uploads"               uploads::create_upload;
    put    "/v1/uploads/{id}/content"  uploads::put_upload_content;
    get    "/v1/jobs"                  jobs::list_jobs;
    get    "/v1/jobs/{id}"             jobs::get_job;
    post   "/v1/jobs/{id}/cancel"      jobs::cancel_job;
    post   "/v1/jobs/{id}/retry"       jobs::retry_job;
    get    "/v1/schedules"             schedules::list_schedules;
    get    "/v1/webhooks"              webhooks::list_webhooks;
    post   "/v1/webhooks"              webhooks::create_webhook;
    get    "/v1/webhooks/{id}"         webhooks::get_webhook;
    patch  "/v1/webhooks/{id}"         webhooks::update_webhook;
    delete "/v1/webhooks/{id}"         webhooks::delete_webhook;
    post   "/v1/webhooks/{id}/rotate-secret"                 webhooks::rotate_webhook_secret;
    post   "/v1/webhooks/{id}/test"    webhooks::test_webhook;
    get    "/v1/webhooks/{id}/deliveries"                    webhook_deliveries::list_webhook_deliveries;
    post   "/v1/webhooks/{id}/deliveries/{delivery}/replay"  webhook_deliveries::replay_webhook_delivery;
}

/// Returns the OpenAPI document of all routes.
#[must_use]
pub fn openapi() -> OpenApi {
    openapi::describe(documentation())
}
