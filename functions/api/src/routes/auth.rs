//! Accounts: making one, and logging in.

use crate::auth::{TOKEN_LIFETIME, hash_password, verify_password};
use crate::error::FieldError;
use crate::extract::{Fields, Json, note_account};
use crate::problem::Problem;
use crate::{ApiError, AppState};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::OwnerId;
use shared::users::{self, CreateError};
use utoipa::ToSchema;
use uuid::Uuid;

/// An address and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialsIn {
    #[schema(example = "ada@example.com")]
    email: String,
    /// 8 to 128 characters.
    #[schema(example = "correct horse battery staple")]
    password: String,
}

/// A new account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountOut {
    id: Uuid,
    email: String,
}

/// An access token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenOut {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
}

impl CredentialsIn {
    fn check(&self) -> Result<(), ApiError> {
        let mut fields = Fields::default();
        fields.text("email", &self.email, 3..=320);
        // A full grammar refuses addresses that work; only a letter to it proves one.
        let is_address = self
            .email
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
        if !is_address || self.email.chars().any(|character| character.is_whitespace() || character.is_control()) {
            fields.wrong("email", "not_allowed", "must be an e-mail address");
        }
        fields.text("password", &self.password, 8..=128);
        Ok(fields.check()?)
    }
}

/// Makes an account.
#[utoipa::path(
    post,
    path = "/v1/auth/register",
    tag = "auth",
    security(()),
    responses(
        (status = 201, body = AccountOut),
        (status = 409, description = "The address is taken", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn register(
    State(state): State<AppState>,
    Json(credentials): Json<CredentialsIn>,
) -> Result<(StatusCode, Json<AccountOut>), ApiError> {
    credentials.check()?;
    let password_hash = hash_password(credentials.password).await.map_err(ApiError::Internal)?;
    let id = OwnerId::new();
    let mut db = state.db.acquire().await?;
    users::create(&mut db, id, &credentials.email, &password_hash, state.clock.now()).await?;
    note_account(id);
    Ok((StatusCode::CREATED, Json(AccountOut { id: id.0, email: credentials.email })))
}

/// Logs in.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    tag = "auth",
    security(()),
    responses(
        (status = 200, body = TokenOut),
        (status = 401, description = "No such account, or the wrong password", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn login(
    State(state): State<AppState>,
    Json(credentials): Json<CredentialsIn>,
) -> Result<Json<TokenOut>, ApiError> {
    credentials.check()?;
    let known = {
        let mut db = state.db.acquire().await?;
        users::credentials(&mut db, &credentials.email).await?
    };
    // Unknown addresses are checked too, against nobody's hash: the answer and its time tell nothing.
    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let matches = verify_password(credentials.password, hash).await.map_err(ApiError::Internal)?;
    let Some(account) = known.filter(|_| matches) else {
        return Err(ApiError::Unauthorized("The e-mail address or the password is wrong."));
    };
    note_account(account.id);
    let access_token = state.signing.issue(account.id, state.clock.now()).await?;
    Ok(Json(TokenOut { access_token, token_type: "Bearer", expires_in: TOKEN_LIFETIME.num_seconds() }))
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::EmailTaken => Self::Conflict(FieldError {
                field: "email".to_owned(),
                code: "taken",
                message: "An account with this address exists.".to_owned(),
            }),
            CreateError::Sqlx(error) => error.into(),
        }
    }
}
