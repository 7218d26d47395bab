//! Ids in paths: one that is no id names nothing, so it is a `404` like any other.

use crate::{ApiError, AppState};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use uuid::Uuid;

/// The id in the path.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub Uuid);

impl FromRequestParts<AppState> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Ok(params) = RawPathParams::from_request_parts(parts, state).await else {
            return Err(ApiError::NotFound);
        };
        let id = params.iter().find(|(name, _)| *name == "id").and_then(|(_, value)| value.parse().ok());
        id.map(Self).ok_or(ApiError::NotFound)
    }
}

/// The two ids of a path that names something within something else, from left to right.
#[derive(Clone, Copy, Debug)]
pub struct Ids(pub Uuid, pub Uuid);

impl FromRequestParts<AppState> for Ids {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Ok(params) = RawPathParams::from_request_parts(parts, state).await else {
            return Err(ApiError::NotFound);
        };
        let mut ids = params.iter().filter_map(|(_, value)| value.parse().ok());
        match (ids.next(), ids.next()) {
            (Some(outer), Some(inner)) => Ok(Self(outer, inner)),
            _ => Err(ApiError::NotFound),
        }
    }
}
