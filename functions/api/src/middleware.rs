//! Everything around the routes, outermost last.

mod access_log;
mod panics;
mod request_id;
mod time_limit;

use crate::{ApiError, AppState};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use tower_http::catch_panic::CatchPanicLayer;

/// Bytes of a request's body. Lambda takes 6 MB, less in base64; larger things are files.
const LARGEST_BODY: usize = 1_000_000;

/// Wraps the routes: answers for what they do not know, limits, the guard against panics, the access line, and the
/// request id, which every problem document names.
pub fn around(router: Router<AppState>) -> Router<AppState> {
    router
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(time_limit::keep))
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(from_fn(access_log::write))
        .layer(from_fn(request_id::give))
}
