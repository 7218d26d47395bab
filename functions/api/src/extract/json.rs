//! JSON bodies: errors name the field, unknown fields are refused.

use crate::error::FieldError;
use crate::{ApiError, AppState};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::error::Category;

const LARGEST_BODY: &str = "A body may have 1 MB at most.";

/// A JSON body, in or out.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType("Send application/json."));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unread(&rejection, LARGEST_BODY))?;
        parse(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A field of a patch: absent leaves it as it is, `null` takes the value away.
#[derive(Clone, Debug, Default)]
pub struct Nullable<T>(pub Option<Option<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

/// Reads a field of a patch that may be absent and must not be `null`, for `deserialize_with`.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Returns a request's media type in lower case, without its parameters.
pub fn content_type(headers: &HeaderMap) -> String {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = content_type(headers);
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Says why a body could not be read; `limit` is what a client is told when it is too large.
pub fn unread(rejection: &BytesRejection, limit: &'static str) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::TooLarge(limit)
    } else {
        ApiError::Malformed("The body could not be read to its end.".to_owned())
    }
}

/// Reads a JSON object.
///
/// # Errors
/// Names the field that is wrong, or says why this is no JSON object.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // Serde would take an array of the right length for a struct.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::Malformed("The body must be a JSON object.".to_owned()));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        // A number where an enum belongs is called a mistake of syntax, although the body is JSON.
        if error.classify() == Category::Data || serde_json::from_slice::<Value>(body).is_ok() {
            ApiError::Invalid(vec![wrong(&field, &error)])
        } else {
            malformed(&error)
        }
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::Malformed(format!("The body is not JSON: {error}."))
}

/// Names the field of a mistake. Missing, doubled and unknown fields are named by serde's message alone.
fn wrong(path: &str, error: &serde_json::Error) -> FieldError {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let named = message.split('`').nth(1).unwrap_or_default();
    let (field, code) = if message.starts_with("missing field") {
        (join(path, named), "missing")
    } else if message.starts_with("duplicate field") {
        (join(path, named), "duplicate")
    } else if message.starts_with("unknown field") {
        (if path.ends_with(named) { path.to_owned() } else { join(path, named) }, "unknown")
    } else {
        (path.to_owned(), "wrong_type")
    };
    FieldError { field, code, message: message.to_owned() }
}

fn join(path: &str, field: &str) -> String {
    if path == "." || path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
