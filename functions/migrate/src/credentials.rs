//! The application's credentials, as its secret holds them: `{"username": …, "password": …}`.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

/// The secret is not what it should be. Says nothing of what it is.
#[derive(Debug, thiserror::Error)]
#[error("the secret is not {{\"username\": …, \"password\": …}} with a password of printable ASCII characters")]
pub struct CredentialsError;

/// A role and its password.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: SecretString,
}

impl Credentials {
    /// Reads a secret's value.
    pub(crate) fn read(value: &SecretString) -> Result<Self, CredentialsError> {
        let fields = fields(value)?;
        match (fields.get("username"), fields.get("password")) {
            (Some(Value::String(username)), Some(Value::String(password))) if is_plain(password) => {
                Ok(Self { username: username.clone(), password: password.clone().into() })
            }
            _ => Err(CredentialsError),
        }
    }

    /// Puts another role and password into a secret's value, whatever else is in there.
    pub(crate) fn replace(
        value: &SecretString,
        username: &str,
        password: &SecretString,
    ) -> Result<SecretString, CredentialsError> {
        let mut fields = fields(value)?;
        fields.insert("username".to_owned(), username.into());
        fields.insert("password".to_owned(), password.expose_secret().into());
        Ok(Value::Object(fields).to_string().into())
    }
}

fn fields(value: &SecretString) -> Result<Map<String, Value>, CredentialsError> {
    let Ok(fields) = serde_json::from_str(value.expose_secret()) else { return Err(CredentialsError) };
    Ok(fields)
}

/// Others would have to be normalised (RFC 4013) before they are hashed.
fn is_plain(password: &str) -> bool {
    !password.is_empty() && password.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}
