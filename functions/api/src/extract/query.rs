//! Query parameters: errors name the parameter, unknown ones are refused.

use crate::{ApiError, AppState};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The query parameters.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        match serde_path_to_error::deserialize(deserializer) {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                let path = error.path().to_string();
                let message = error.into_inner().to_string();
                if message.starts_with("unknown field") {
                    let named = message.split('`').nth(1).unwrap_or(&path).to_owned();
                    return Err(ApiError::field(named, "unknown", message));
                }
                if message.starts_with("duplicate field") {
                    let named = message.split('`').nth(1).unwrap_or(&path).to_owned();
                    return Err(ApiError::field(named, "duplicate", message));
                }
                Err(ApiError::field(path, "wrong_type", message))
            }
        }
    }
}
