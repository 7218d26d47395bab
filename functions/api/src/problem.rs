//! Problem documents after RFC 9457. An error travels as a [`Problem`] in the response's extensions; the outermost
//! middleware, which knows the request id, writes the body.

use crate::error::FieldError;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// Why a request failed, for people and for programs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem; never changes.
    #[serde(rename = "type")]
    #[schema(example = "urn:errand:problem:invalid")]
    pub kind: Cow<'static, str>,
    /// The kind of problem in words.
    pub title: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request, for a question to the operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What was wrong with each field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// Returns a response that carries the problem until [`Problem::write`] fills its body.
    pub fn into_bare_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(self);
        response
    }

    /// Writes the document, if the response carries one.
    pub fn write(response: &mut Response, request_id: &str) {
        let Some(mut problem) = response.extensions_mut().remove::<Self>() else { return };
        problem.request_id = Some(request_id.to_owned());
        // Texts and numbers only: this cannot fail, and if it did the status would still be right.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        *response.body_mut() = Body::from(body);
    }
}
