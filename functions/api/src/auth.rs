//! Passwords and tokens.

mod passwords;
mod provider;
mod signing;

pub use passwords::{hash_password, verify_password};
pub use signing::{SigningKeys, TOKEN_LIFETIME};
