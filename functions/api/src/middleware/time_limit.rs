//! No request outlives the gateway, which gives up after 30 seconds.

use crate::ApiError;
use anyhow::anyhow;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(25);

pub(super) async fn keep(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Unavailable(anyhow!("the request took longer than {} s", LIMIT.as_secs())).into_response(),
    }
}
