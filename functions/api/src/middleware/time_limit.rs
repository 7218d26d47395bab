//! No request outlives the gateway, which gives up after 30 seconds.

use crate::ApiError;
use anyhow::anyhow;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(25);

/// The one route that takes large bodies, and is never behind the gateway: there, files go to S3. 100 MB take 15 minutes
/// at less than a megabit a second.
const UPLOAD: &str = "/v1/uploads/{id}/content";
const UPLOAD_LIMIT: Duration = Duration::from_mins(15);

pub(super) async fn keep(request: Request, next: Next) -> Response {
    let is_upload = request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str() == UPLOAD);
    let limit = if is_upload { UPLOAD_LIMIT } else { LIMIT };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Unavailable(anyhow!("the request took longer than {} s", limit.as_secs())).into_response(),
    }
}
