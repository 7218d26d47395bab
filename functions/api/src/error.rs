//! Everything that can go wrong for a client, by what it means in HTTP.

use crate::problem::Problem;
use anyhow::anyhow;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::db::{DbError, is_unavailable};
use shared::fields::Mistake;
use shared::secrets::SecretsError;
use shared::storage::StorageError;
use shared::webhooks::NoRandomness;
use std::borrow::Cow;
use utoipa::ToSchema;

/// When a client should come back after a `503`.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// What was wrong with one field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a path like `tags[2]`, or a query parameter.
    #[schema(example = "title")]
    pub field: String,
    /// Names the kind of mistake; never changes.
    #[schema(example = "too_long")]
    pub code: &'static str,
    /// The mistake in words.
    pub message: String,
}

/// Why a request failed.
#[derive(Debug)]
pub enum ApiError {
    /// The body is not JSON, or the request makes no sense in another way.
    Malformed(String),
    /// The request was understood, and some fields are wrong.
    Invalid(Vec<FieldError>),
    /// There is no token, or not a valid one.
    Unauthorized(&'static str),
    /// Nothing is there, or not for this caller.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body has a type that this route does not take; says which ones it does.
    UnsupportedMediaType(&'static str),
    /// The body is too large; says what may be sent.
    TooLarge(&'static str),
    /// Something else has what the request wants.
    Conflict(FieldError),
    /// A dependency is down: the same request may succeed later.
    Unavailable(anyhow::Error),
    /// Our mistake.
    Internal(anyhow::Error),
}

impl ApiError {
    /// One wrong field.
    pub fn field(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), code, message: message.into() }])
    }

    /// What the request wants does not go together with what is there.
    pub fn conflict(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict(FieldError { field: field.into(), code, message: message.into() })
    }

    /// The answer to a panic, which has its line already: see [`shared::telemetry`].
    pub(crate) fn panicked() -> Response {
        Self::Internal(anyhow!("a handler panicked")).problem().into_bare_response()
    }

    fn problem(&self) -> Problem {
        let (status, name, title, detail): (u16, _, _, Option<Cow<'_, str>>) = match self {
            Self::Malformed(detail) => (400, "malformed", "The request cannot be understood", Some(detail.into())),
            Self::Unauthorized(detail) => (401, "unauthorized", "Not authenticated", Some((*detail).into())),
            Self::NotFound => (404, "not-found", "There is nothing here", None),
            Self::MethodNotAllowed => (405, "method-not-allowed", "The method is not allowed here", None),
            Self::Conflict(field) => {
                (409, "conflict", "The request is in conflict with what is there", Some((&field.message).into()))
            }
            Self::TooLarge(detail) => (413, "too-large", "The body is too large", Some((*detail).into())),
            Self::UnsupportedMediaType(detail) => {
                (415, "unsupported-media-type", "The body has the wrong type", Some((*detail).into()))
            }
            Self::Invalid(_) => (422, "invalid", "Some fields are wrong", None),
            Self::Internal(_) => (500, "internal", "Something went wrong on our side", None),
            Self::Unavailable(_) => (
                503,
                "unavailable",
                "The service is not available right now",
                Some("Try again in a few seconds.".into()),
            ),
        };
        let errors = match self {
            Self::Invalid(errors) => errors.clone(),
            Self::Conflict(error) => vec![error.clone()],
            _ => Vec::new(),
        };
        Problem {
            kind: format!("urn:errand:problem:{name}").into(),
            title: title.into(),
            status,
            detail: detail.map(Cow::into_owned),
            request_id: None,
            errors,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.problem().into_bare_response();
        match &self {
            Self::Internal(error) => {
                tracing::error!(
                    error.code = "request_failed",
                    error = format!("{error:#}"),
                    "A request failed on our side"
                );
            }
            Self::Unavailable(error) => {
                tracing::warn!(error = format!("{error:#}"), "A request met a dependency that is down");
                response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
            }
            Self::Unauthorized(_) => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<Mistake> for FieldError {
    fn from(mistake: Mistake) -> Self {
        Self { field: mistake.field, code: mistake.code, message: mistake.message }
    }
}

impl From<Vec<Mistake>> for ApiError {
    fn from(mistakes: Vec<Mistake>) -> Self {
        Self::Invalid(mistakes.into_iter().map(FieldError::from).collect())
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        if error.is_unavailable() { Self::Unavailable(error.into()) } else { Self::Internal(error.into()) }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) { Self::Unavailable(error.into()) } else { Self::Internal(error.into()) }
    }
}

impl From<SecretsError> for ApiError {
    fn from(error: SecretsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Gone => Self::NotFound,
            StorageError::Changed | StorageError::Store(_) => Self::Unavailable(error.into()),
        }
    }
}

impl From<NoRandomness> for ApiError {
    fn from(error: NoRandomness) -> Self {
        Self::Internal(error.into())
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}
