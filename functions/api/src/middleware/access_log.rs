//! One line for each request; probes get none.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Instant;

pub(super) async fn write(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    if !route.starts_with("/health") && route != "/ready" {
        let status = response.status().as_u16();
        tracing::info!(
            log_type = "access",
            http.status = status,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "{method} {route} answered {status}",
        );
    }
    response
}
