//! Uploads: files that are too large for the body of a request to the API.

use crate::extract::{Caller, Id, Json};
use crate::{ApiError, AppState};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use serde::Serialize;
use shared::ids;
use shared::imports::{LARGEST_FILE, object_key};
use std::collections::BTreeMap;
use tokio::io::AsyncWriteExt as _;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long a file may be sent after the upload was asked for.
const LIFETIME: TimeDelta = TimeDelta::minutes(15);

const TOO_LARGE: &str = "A file may have 100 MB at most.";

/// Where to send a file, and how.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadOut {
    /// Names the file in `POST /v1/imports`.
    id: Uuid,
    #[schema(example = "PUT")]
    method: &'static str,
    url: String,
    /// The headers to send with it, and no other credentials: S3 refuses them.
    headers: BTreeMap<&'static str, String>,
    /// The file must have begun to arrive by then.
    expires_at: DateTime<Utc>,
    /// Bytes at most.
    max_bytes: u64,
}

/// Prepares an upload: the answer says where the file goes. Send its bytes there as they are.
#[utoipa::path(
    post,
    path = "/v1/uploads",
    tag = "imports",
    security(("token" = [])),
    responses(
        (status = 201, description = "Where to send the file", body = UploadOut),
    ),
)]
pub(super) async fn create_upload(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<UploadOut>), ApiError> {
    let id = ids::anonymous();
    let lifetime = LIFETIME.to_std().unwrap_or_default();
    let link = state.storage.upload_link(&object_key(caller.id, id), lifetime).await?;
    let (url, headers) = match link {
        Some(link) => (link, BTreeMap::new()),
        None => (own_link(&headers, id), BTreeMap::from([("authorization", text(&headers, &header::AUTHORIZATION))])),
    };
    let upload = UploadOut {
        id,
        method: "PUT",
        url,
        headers,
        expires_at: state.clock.now() + LIFETIME,
        max_bytes: LARGEST_FILE,
    };
    let unkept = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, unkept, Json(upload)))
}

/// Takes the file of an upload, where files are kept in a folder: its link leads here. A second file takes the place of
/// the first, until it is imported.
#[utoipa::path(
    put,
    path = "/v1/uploads/{id}/content",
    tag = "imports",
    params(("id" = Uuid, Path)),
    security(("token" = [])),
    request_body(content = String, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The file is there"),
    ),
)]
pub(super) async fn put_upload_content(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    if !is_open(id, state.clock.now()) {
        return Err(ApiError::NotFound);
    }
    let announced = text(&headers, &header::CONTENT_LENGTH).parse().unwrap_or(0);
    if announced > LARGEST_FILE {
        return Err(ApiError::TooLarge(TOO_LARGE));
    }
    let mut file = state.storage.writer(&object_key(caller.id, id))?;
    let mut chunks = body.into_data_stream();
    let mut bytes: u64 = 0;
    // A file that does not arrive as a whole is dropped with its writer.
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            return Err(ApiError::Malformed("The body could not be read to its end.".to_owned()));
        };
        bytes += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if bytes > LARGEST_FILE {
            return Err(ApiError::TooLarge(TOO_LARGE));
        }
        file.write_all(&chunk).await.map_err(unwritten)?;
    }
    file.shutdown().await.map_err(unwritten)?;
    // What S3 answers.
    Ok(StatusCode::OK)
}

/// The route above, at the origin that the client has called.
fn own_link(headers: &HeaderMap, id: Uuid) -> String {
    let path = format!("/v1/uploads/{id}/content");
    let host = text(headers, &header::HOST);
    if host.is_empty() {
        return path;
    }
    let scheme = if text(headers, &HeaderName::from_static("x-forwarded-proto")) == "https" { "https" } else { "http" };
    format!("{scheme}://{host}{path}")
}

/// Tells whether an upload was asked for a short while ago: its id says when.
fn is_open(id: Uuid, now: DateTime<Utc>) -> bool {
    let asked = id.get_timestamp().filter(|_| id.get_version_num() == 7);
    let asked = asked.and_then(|asked| DateTime::from_timestamp_secs(i64::try_from(asked.to_unix().0).ok()?));
    asked.is_some_and(|asked| now < asked + LIFETIME)
}

fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn unwritten(error: std::io::Error) -> ApiError {
    ApiError::Unavailable(anyhow::Error::new(error).context("the file could not be written"))
}
