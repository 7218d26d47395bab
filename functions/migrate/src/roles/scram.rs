//! What PostgreSQL keeps of a password, by RFC 5802 and RFC 7677.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};
use secrecy::{ExposeSecret as _, SecretString};
use std::num::NonZeroU32;

/// As PostgreSQL has it. Passwords here are random, so more rounds would only make logging in slower.
const ROUNDS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// Makes the verifier of a password, which has to be of printable ASCII characters.
pub(super) fn verifier(password: &SecretString, salt: [u8; 16]) -> String {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &salt, password.expose_secret().as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let stored_key = digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref());
    let server_key = hmac::sign(&key, b"Server Key");
    format!(
        "SCRAM-SHA-256${ROUNDS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(server_key)
    )
}
