//! Rotation: Secrets Manager asks for four steps, one after the other, each of them again when it failed or its answer was
//! lost. What is rotated is in the modules below; here is the protocol.
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>

mod login;
mod signing_key;

pub(crate) use login::admit;

use crate::State;
use crate::roles::RolesError;
use crate::vault::{CURRENT, PENDING};
use anyhow::{Context as _, bail, ensure};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Random bytes in a password or a signing key: as many as SHA-256 has.
const RANDOM_BYTES: usize = 32;

/// What Secrets Manager sends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    step: Step,
    secret_id: String,
    /// The id of the version that is to be made.
    #[serde(rename = "ClientRequestToken")]
    version: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
enum Step {
    #[serde(rename = "createSecret")]
    Create,
    #[serde(rename = "setSecret")]
    Set,
    #[serde(rename = "testSecret")]
    Test,
    #[serde(rename = "finishSecret")]
    Finish,
}

/// What a secret is for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// Logging in to the database.
    Login,
    /// Signing access tokens.
    SigningKey,
}

/// Does one step of a rotation. A step that was done already is done again without harm.
///
/// # Errors
/// When the request is not one of a rotation that is under way, or the step failed. Then the secret in use stays what it is.
pub(crate) async fn handle(state: &State, event: Value) -> anyhow::Result<Value> {
    let request = Request::deserialize(event).context("the event has a Step but is no request of a rotation")?;
    let arn = request.secret_id.as_str();
    let purpose = purpose(state, arn)?;
    let secret = state.vault.describe(arn).await?;
    ensure!(secret.rotates != Some(false), "the secret {arn} does not rotate");
    let version = request.version.as_str();
    let Some(stages) = secret.stages(version) else { bail!("the secret {arn} has no version {version}") };
    let is = |stage: &str| stages.iter().any(|other| other == stage);
    if is(CURRENT) {
        return Ok(json!({ "done": false }));
    }
    ensure!(is(PENDING), "the version {version} of the secret {arn} is not {PENDING}");

    let made = state.vault.pending(arn, version).await?;
    match (request.step, made) {
        (Step::Create, Some(_)) => {}
        (Step::Create, None) => {
            let value = match purpose {
                Purpose::Login => login::create(state, arn).await?,
                Purpose::SigningKey => signing_key::create()?,
            };
            state.vault.put_pending(arn, version, &value).await?;
        }
        (Step::Test, None) => trial(state, purpose, arn).await?,
        (_, None) => bail!("the version {version} of the secret {arn} has no value"),
        (Step::Set, Some(value)) => match purpose {
            Purpose::Login => login::set(state, arn, &value).await?,
            Purpose::SigningKey => {}
        },
        (Step::Test, Some(value)) => match purpose {
            Purpose::Login => login::test(state, &value).await?,
            Purpose::SigningKey => signing_key::test(&value)?,
        },
        (Step::Finish, Some(_)) => {
            let before = secret.at(CURRENT).with_context(|| format!("the secret {arn} has no version {CURRENT}"))?;
            state.vault.promote(arn, version, before).await?;
            tracing::info!(secret.arn = arn, "Secret {arn} was rotated");
        }
    }
    Ok(json!({ "done": true }))
}

/// Whoever turns a rotation on without rotating at once makes Secrets Manager try this function: the version that it then
/// makes, and takes away, may have no value. What can be tried is the one in use.
async fn trial(state: &State, purpose: Purpose, arn: &str) -> anyhow::Result<()> {
    let value = state.vault.current(arn).await?;
    match purpose {
        Purpose::Login => login::test(state, &value).await,
        Purpose::SigningKey => signing_key::test(&value),
    }
}

/// Refuses secrets that are none of ours, whatever the role of this function may do.
fn purpose(state: &State, arn: &str) -> anyhow::Result<Purpose> {
    let is = |secret: &Option<String>| secret.as_deref() == Some(arn);
    match &state.rotated {
        rotated if is(&rotated.app) => Ok(Purpose::Login),
        rotated if is(&rotated.signing) => Ok(Purpose::SigningKey),
        _ => bail!("the secret {arn} is none that this function rotates"),
    }
}

/// Makes a password or a key: hexadecimal digits, which are the same in every URL, file and shell.
fn random() -> Result<SecretString, RolesError> {
    let Ok(bytes) = ring::rand::generate::<[u8; RANDOM_BYTES]>(&ring::rand::SystemRandom::new()) else {
        return Err(RolesError::NoRandomness);
    };
    let text = bytes.expose().iter().fold(String::with_capacity(2 * RANDOM_BYTES), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    });
    Ok(text.into())
}
