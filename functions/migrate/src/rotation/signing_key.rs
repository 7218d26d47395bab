//! The key that signs access tokens. Nobody has to be told of a new one: when it is put in its place, the old one becomes
//! the previous one, and tokens that it has signed are valid for as long as that.

use super::random;
use anyhow::ensure;
use secrecy::{ExposeSecret as _, SecretString};

/// The least bytes of a key, as the API wants it.
const LEAST: usize = 32;

/// Makes a key.
pub(super) fn create() -> anyhow::Result<SecretString> {
    Ok(random()?)
}

/// Checks that a key can sign.
pub(super) fn test(key: &SecretString) -> anyhow::Result<()> {
    ensure!(key.expose_secret().len() >= LEAST, "the key has less than {LEAST} bytes");
    Ok(())
}
