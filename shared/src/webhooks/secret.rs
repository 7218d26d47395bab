//! What signs deliveries, and how: HMAC-SHA256 over id, time and body.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use crate::ids::DeliveryId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{hmac, rand};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

/// As many bytes as the hash has; the specification asks for 24 to 64.
const LENGTH: usize = 32;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// An endpoint's secret. Its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct Secret(SecretSlice<u8>);

impl Secret {
    /// Makes a new one.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        match rand::generate::<[u8; LENGTH]>(&rand::SystemRandom::new()) {
            Ok(bytes) => Ok(Self::from(bytes.expose().to_vec())),
            Err(ring::error::Unspecified) => Err(NoRandomness),
        }
    }

    /// How receivers write it: `whsec_<base64>`.
    #[must_use]
    pub fn text(&self) -> SecretString {
        format!("whsec_{}", STANDARD.encode(self.bytes())).into()
    }

    /// Signs one attempt: `v1,<base64>`.
    #[must_use]
    pub fn sign(&self, id: DeliveryId, timestamp: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}
