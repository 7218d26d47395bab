//! Secrets Manager behind a cache with a time to live, so that neither each request nor each cold path pays for a call.

use crate::aws::Sdk;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OnceCell};

/// How long a value is used before it is read again.
pub const TIME_TO_LIVE: Duration = Duration::from_mins(5);

/// After a failed refresh the old value is used this much longer before the next try.
const PAUSE: Duration = Duration::from_secs(30);

/// Which version of a secret is meant.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stage {
    /// The one in use.
    Current,
    /// The one before it, still honoured while a rotation is under way.
    Previous,
}

impl Stage {
    fn label(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Previous => "AWSPREVIOUS",
        }
    }
}

/// A secret could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the secret {arn} could not be read from Secrets Manager")]
pub struct SecretsError {
    arn: String,
    source: Box<aws_sdk_secretsmanager::Error>,
}

#[derive(Debug)]
struct Entry {
    read_at: Instant,
    /// After a refresh that failed: when to try again.
    not_before: Option<Instant>,
    value: Option<SecretString>,
}

/// Reads secrets by ARN.
#[derive(Clone, Debug)]
pub struct Secrets {
    sdk: Arc<Sdk>,
    client: Arc<OnceCell<aws_sdk_secretsmanager::Client>>,
    cache: Arc<Mutex<HashMap<(String, Stage), Entry>>>,
}

impl Secrets {
    /// Makes the reader; nothing is fetched before the first secret is asked for.
    #[must_use]
    pub fn new(sdk: Arc<Sdk>) -> Self {
        Self { sdk, client: Arc::default(), cache: Arc::default() }
    }

    /// Returns the value of one version; `None` when the secret has no such version. Readers of the same moment wait
    /// for one call instead of making several. A value that cannot be refreshed is used on while there is one.
    ///
    /// # Errors
    /// When Secrets Manager refuses or cannot be reached, and nothing is cached.
    pub async fn get(&self, arn: &str, stage: Stage) -> Result<Option<SecretString>, SecretsError> {
        self.get_within(arn, stage, TIME_TO_LIVE).await
    }

    /// As [`Secrets::get`], for a reader who has reason to think that the secret was rotated less than the usual time
    /// to live ago.
    ///
    /// # Errors
    /// As [`Secrets::get`].
    pub async fn get_within(
        &self,
        arn: &str,
        stage: Stage,
        oldest: Duration,
    ) -> Result<Option<SecretString>, SecretsError> {
        let mut cache = self.cache.lock().await;
        let key = (arn.to_owned(), stage);
        if let Some(entry) = cache.get(&key)
            && (entry.read_at.elapsed() < oldest || entry.not_before.is_some_and(|time| Instant::now() < time))
        {
            return Ok(entry.value.clone());
        }
        match self.fetch(arn, stage).await {
            Ok(value) => {
                cache.insert(key, Entry { read_at: Instant::now(), not_before: None, value: value.clone() });
                Ok(value)
            }
            Err(error) => match cache.get_mut(&key) {
                Some(old) => {
                    old.not_before = Some(Instant::now() + PAUSE);
                    tracing::warn!(secret.arn = arn, error = %error.source, "Secret {arn} could not be refreshed, the cached value is used on");
                    Ok(old.value.clone())
                }
                None => Err(error),
            },
        }
    }

    /// Tells whether a secret is there and could be read. Its value is not asked for: whoever only watches needs no right to
    /// it.
    pub async fn is_there(&self, arn: &str) -> bool {
        let request = self.client().await.describe_secret().secret_id(arn);
        Box::pin(request.send()).await.is_ok_and(|secret| secret.deleted_date.is_none())
    }

    async fn client(&self) -> &aws_sdk_secretsmanager::Client {
        self.client.get_or_init(|| async { aws_sdk_secretsmanager::Client::new(self.sdk.config().await) }).await
    }

    /// Forgets what is cached of a secret, so that the next read fetches it.
    pub async fn forget(&self, arn: &str) {
        self.cache.lock().await.retain(|(cached, _), _| cached != arn);
    }

    async fn fetch(&self, arn: &str, stage: Stage) -> Result<Option<SecretString>, SecretsError> {
        let request = self.client().await.get_secret_value().secret_id(arn).version_stage(stage.label());
        // Boxed: the SDK's futures are large, and would otherwise become part of every future above.
        match Box::pin(request.send()).await {
            Ok(answer) => Ok(answer.secret_string.map(SecretString::from)),
            Err(error) => match aws_sdk_secretsmanager::Error::from(error) {
                aws_sdk_secretsmanager::Error::ResourceNotFoundException(_) if stage == Stage::Previous => Ok(None),
                source => Err(SecretsError { arn: arn.to_owned(), source: Box::new(source) }),
            },
        }
    }
}
