//! Passwords: argon2id with the parameters that OWASP recommends, off the threads that serve requests.

use anyhow::{Context as _, anyhow};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};

/// 19 MiB, two passes, one lane.
/// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash of the same cost that no password matches: an unknown address takes as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCEh$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn argon2() -> anyhow::Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| anyhow!("argon2 parameters: {error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password into a PHC string.
///
/// # Errors
/// When the system has no randomness or the thread cannot be had.
pub async fn hash_password(password: String) -> anyhow::Result<String> {
    tokio::task::spawn_blocking(move || {
        let hash: PasswordHash =
            argon2()?.hash_password(password.as_bytes()).map_err(|error| anyhow!("argon2: {error}"))?;
        Ok(hash.to_string())
    })
    .await
    .context("the thread that hashes passwords ended early")?
}

/// Tells whether the password matches the hash; `None` stands for an unknown account and takes as long.
///
/// # Errors
/// When the stored hash cannot be read or the thread cannot be had.
pub async fn verify_password(password: String, hash: Option<String>) -> anyhow::Result<bool> {
    tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let hash =
            PasswordHash::new(&hash).map_err(|error| anyhow!("a stored password hash cannot be read: {error}"))?;
        let matches = argon2()?.verify_password(password.as_bytes(), &hash).is_ok();
        Ok(matches && known)
    })
    .await
    .context("the thread that checks passwords ended early")?
}
