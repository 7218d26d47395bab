//! Accounts and tokens.

mod login;
mod register;
mod rotation;
mod silence;
mod tokens;

use serde_json::{Value, json};

/// A password that is accepted.
const PASSWORD: &str = "correct horse battery staple";

/// The body of a registration or a login.
fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}
