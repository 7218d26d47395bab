//! Who calls: the bearer token's account. Checked without the database.

use crate::{ApiError, AppState};
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use shared::ids::OwnerId;

/// The account that the request's token names.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The account, as the owner of rows.
    pub id: OwnerId,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(ApiError::Unauthorized("Send the header `Authorization: Bearer <access token>`."))?;
        let id = state.signing.verify(token, state.clock.now()).await?;
        note_account(id);
        Ok(Self { id })
    }
}

/// Puts the account on every line of the request that is still to come. Its id alone: addresses are not logged.
pub fn note_account(account: OwnerId) {
    tracing::Span::current().record("user.id", tracing::field::display(account));
}
