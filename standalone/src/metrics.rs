//! `GET /metrics`, beside the API and no part of it: what Prometheus reads.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use shared::metrics::{Metrics, prometheus};

/// Puts the page in front of the API.
pub(crate) fn beside(api: Router, metrics: Metrics) -> Router {
    let page = async move || ([(CONTENT_TYPE, prometheus::CONTENT_TYPE)], prometheus::text(&metrics));
    Router::new().route("/metrics", get(page)).fallback_service(api)
}
