//! Access tokens: JWTs, signed with the current secret, verified against the current and the previous one.

use super::provider;
use crate::ApiError;
use crate::config::SigningSource;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use shared::ids::OwnerId;
use shared::secrets::{Secrets, Stage, TIME_TO_LIVE};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long an access token is valid.
pub const TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// How old a cached secret may be.
const USUAL_AGE: Duration = TIME_TO_LIVE;

/// The pause between two looks for keys that are not known. Made-up tokens cause no more calls than this allows.
const PAUSE: Duration = Duration::from_secs(10);

const REFUSED: ApiError = ApiError::Unauthorized("The access token is not valid. Log in again.");
const EXPIRED: ApiError = ApiError::Unauthorized("The access token has expired. Log in again.");

#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    sub: OwnerId,
    iat: i64,
    exp: i64,
}

/// The secrets that sign tokens.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    source: Arc<SigningSource>,
    secrets: Secrets,
    /// When an unknown key was last looked for.
    looked: Arc<Mutex<Option<Instant>>>,
}

impl SigningKeys {
    /// Makes the handle; no secret is fetched before the first use.
    #[must_use]
    pub fn new(source: SigningSource, secrets: Secrets) -> Self {
        Self { source: Arc::new(source), secrets, looked: Arc::default() }
    }

    /// Signs a token for an account.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub async fn issue(&self, account: OwnerId, now: DateTime<Utc>) -> Result<String, ApiError> {
        provider::install();
        let Some(secret) = self.secret(Stage::Current, USUAL_AGE).await? else {
            return Err(ApiError::Internal(anyhow::anyhow!("the signing secret has no current version")));
        };
        let claims = Claims { sub: account, iat: now.timestamp(), exp: (now + TOKEN_LIFETIME).timestamp() };
        let header = Header { kid: Some(key_id(&secret)), ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        encode(&header, &claims, &key).map_err(|error| ApiError::Internal(error.into()))
    }

    /// Returns the account that a token names.
    ///
    /// # Errors
    /// `401` when the token was not signed by us or has expired; `503` when the secret cannot be read.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<OwnerId, ApiError> {
        provider::install();
        let Some(key_id_of_token) = decode_header(token).ok().and_then(|header| header.kid) else {
            return Err(REFUSED);
        };
        if let Some(secret) = self.find(&key_id_of_token, USUAL_AGE).await? {
            return check(token, &secret, now);
        }
        // It may be newer than the cache, however young that is: another process may sign with it since a moment ago. Who
        // asks meanwhile waits for the one who looks.
        let mut looked = self.looked.lock().await;
        let mut oldest = USUAL_AGE;
        if looked.is_none_or(|time| time.elapsed() >= PAUSE) {
            oldest = Duration::ZERO;
            *looked = Some(Instant::now());
        }
        match self.find(&key_id_of_token, oldest).await? {
            Some(secret) => check(token, &secret, now),
            None => Err(REFUSED),
        }
    }

    /// Returns the secret of a key that is not older than this in the cache.
    async fn find(&self, wanted: &str, oldest: Duration) -> Result<Option<SecretString>, ApiError> {
        for stage in [Stage::Current, Stage::Previous] {
            let Some(secret) = self.secret(stage, oldest).await? else { continue };
            if key_id(&secret) == wanted {
                return Ok(Some(secret));
            }
        }
        Ok(None)
    }

    /// Tells whether the secret can be read.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn ready(&self) -> Result<(), ApiError> {
        self.secret(Stage::Current, USUAL_AGE).await.map(|_| ())
    }

    async fn secret(&self, stage: Stage, oldest: Duration) -> Result<Option<SecretString>, ApiError> {
        match (&*self.source, stage) {
            (SigningSource::Key(key), Stage::Current) => Ok(Some(key.clone())),
            (SigningSource::Key(_), Stage::Previous) => Ok(None),
            (SigningSource::Secret(arn), stage) => Ok(self.secrets.get_within(arn, stage, oldest).await?),
        }
    }
}

fn check(token: &str, secret: &SecretString, now: DateTime<Utc>) -> Result<OwnerId, ApiError> {
    let mut validation = Validation::new(Algorithm::HS256);
    // Checked below, against the time that was handed in.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
    let Ok(token) = decode::<Claims>(token, &key, &validation) else { return Err(REFUSED) };
    if token.claims.exp <= now.timestamp() { Err(EXPIRED) } else { Ok(token.claims.sub) }
}

/// Names a secret without giving it away: the first half of its SHA-256.
fn key_id(secret: &SecretString) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, secret.expose_secret().as_bytes());
    digest.as_ref().iter().take(8).fold(String::with_capacity(16), |mut id, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(id, "{byte:02x}");
        id
    })
}
