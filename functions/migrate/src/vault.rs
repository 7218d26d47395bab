//! Secrets Manager as the one who rotates sees it: versions and their stages, always read anew.

use aws_sdk_secretsmanager::Client;
use secrecy::{ExposeSecret as _, SecretString};
use shared::aws::Sdk;
use std::collections::HashMap;
use std::sync::Arc;

/// The stage of the version in use.
pub(crate) const CURRENT: &str = "AWSCURRENT";

/// The stage of the version that a rotation makes.
pub(crate) const PENDING: &str = "AWSPENDING";

/// Secrets Manager refuses or cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("Secrets Manager would not {what} {arn}")]
pub struct VaultError {
    what: &'static str,
    arn: String,
    source: Box<aws_sdk_secretsmanager::Error>,
}

/// What is known of a secret besides its values.
#[derive(Debug)]
pub(crate) struct Description {
    /// Whether it rotates; `None` when it never has.
    pub(crate) rotates: Option<bool>,
    stages: HashMap<String, Vec<String>>,
}

impl Description {
    /// The stages of a version; `None` when there is no such version.
    pub(crate) fn stages(&self, version: &str) -> Option<&[String]> {
        self.stages.get(version).map(Vec::as_slice)
    }

    /// The version that a stage is on.
    pub(crate) fn at(&self, stage: &str) -> Option<&str> {
        let found = self.stages.iter().find(|(_, stages)| stages.iter().any(|other| other == stage));
        found.map(|(version, _)| version.as_str())
    }
}

/// Secrets Manager.
#[derive(Clone, Debug)]
pub struct Vault {
    sdk: Arc<Sdk>,
}

impl Vault {
    /// Makes the handle; nothing is asked yet.
    #[must_use]
    pub fn new(sdk: Arc<Sdk>) -> Self {
        Self { sdk }
    }

    /// Lists the versions of a secret.
    pub(crate) async fn describe(&self, arn: &str) -> Result<Description, VaultError> {
        let request = self.client().await.describe_secret().secret_id(arn);
        // Boxed, as all below: the SDK's futures are large, and would otherwise become part of every future above.
        let described = Box::pin(request.send()).await.map_err(|error| failed("describe", arn, error))?;
        Ok(Description {
            rotates: described.rotation_enabled,
            stages: described.version_ids_to_stages.unwrap_or_default(),
        })
    }

    /// The value in use; empty when it is no text.
    pub(crate) async fn current(&self, arn: &str) -> Result<SecretString, VaultError> {
        let request = self.client().await.get_secret_value().secret_id(arn).version_stage(CURRENT);
        let answer = Box::pin(request.send()).await.map_err(|error| failed("read", arn, error))?;
        Ok(answer.secret_string.unwrap_or_default().into())
    }

    /// The value that a rotation has made; `None` when it has not come so far.
    pub(crate) async fn pending(&self, arn: &str, version: &str) -> Result<Option<SecretString>, VaultError> {
        let client = self.client().await;
        let request = client.get_secret_value().secret_id(arn).version_id(version).version_stage(PENDING);
        match Box::pin(request.send()).await.map_err(aws_sdk_secretsmanager::Error::from) {
            Ok(answer) => Ok(answer.secret_string.map(SecretString::from)),
            Err(aws_sdk_secretsmanager::Error::ResourceNotFoundException(_)) => Ok(None),
            Err(error) => Err(failed("read", arn, error)),
        }
    }

    /// Writes the value that a rotation has made.
    pub(crate) async fn put_pending(&self, arn: &str, version: &str, value: &SecretString) -> Result<(), VaultError> {
        let client = self.client().await;
        let request = client.put_secret_value().secret_id(arn).client_request_token(version).version_stages(PENDING);
        let put = Box::pin(request.secret_string(value.expose_secret()).send()).await;
        put.map(drop).map_err(|error| failed("write", arn, error))
    }

    /// Puts a version in the place of the one in use, which becomes the previous one.
    pub(crate) async fn promote(&self, arn: &str, version: &str, before: &str) -> Result<(), VaultError> {
        let client = self.client().await;
        let request = client.update_secret_version_stage().secret_id(arn).version_stage(CURRENT);
        let moved = Box::pin(request.move_to_version_id(version).remove_from_version_id(before).send()).await;
        moved.map(drop).map_err(|error| failed("switch over", arn, error))
    }

    async fn client(&self) -> Client {
        Client::new(self.sdk.config().await)
    }
}

fn failed(what: &'static str, arn: &str, error: impl Into<aws_sdk_secretsmanager::Error>) -> VaultError {
    VaultError { what, arn: arn.to_owned(), source: Box::new(error.into()) }
}
