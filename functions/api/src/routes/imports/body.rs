//! The body of an import: a file, or the name of one that was uploaded before.

use crate::extract::{content_type, parse, unread};
use crate::{ApiError, AppState};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use shared::exports::Format;
use utoipa::ToSchema;
use uuid::Uuid;

const TYPES: &str = "Send text/csv, application/json or application/x-ndjson, in UTF-8.";
const TOO_LARGE: &str = "A body may have 1 MB at most. Send larger files with POST /v1/uploads.";

/// What to import.
#[derive(Debug)]
pub(in crate::routes) enum ImportIn {
    /// The body itself.
    Body(Format, Bytes),
    /// A file that was uploaded before.
    Uploaded(UploadedIn),
}

/// A file that was uploaded before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct UploadedIn {
    /// As `POST /v1/uploads` has answered.
    pub(super) upload_id: Uuid,
    pub(super) format: FileFormatIn,
}

/// How the file is written.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::routes) enum FileFormatIn {
    /// With a header line.
    Csv,
    /// One list of objects, or an object a line.
    Json,
}

impl FromRequest<AppState> for ImportIn {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let format = match content_type(request.headers()).as_str() {
            "text/csv" => Format::Csv,
            "application/json" | "application/x-ndjson" | "application/jsonl" => Format::Json,
            _ => return Err(ApiError::UnsupportedMediaType(TYPES)),
        };
        if !is_utf8(request.headers()) {
            return Err(ApiError::UnsupportedMediaType(TYPES));
        }
        let may_name_an_upload = content_type(request.headers()) == "application/json";
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unread(&rejection, TOO_LARGE))?;
        if may_name_an_upload && !is_list(&body) {
            return parse(&body).map(Self::Uploaded);
        }
        if body.is_empty() {
            return Err(ApiError::Malformed("The body is empty.".to_owned()));
        }
        Ok(Self::Body(format, body))
    }
}

/// Tells whether a JSON body is a list, with a byte order mark or without.
fn is_list(body: &[u8]) -> bool {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start().starts_with(b"[")
}

/// Tells whether the body is said to be in UTF-8, as it is when nothing is said.
fn is_utf8(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charset.is_none_or(|(_, value)| {
        let value = value.trim().trim_matches('"');
        ["utf-8", "utf8", "us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known))
    })
}

impl From<FileFormatIn> for Format {
    fn from(format: FileFormatIn) -> Self {
        match format {
            FileFormatIn::Csv => Self::Csv,
            FileFormatIn::Json => Self::Json,
        }
    }
}
