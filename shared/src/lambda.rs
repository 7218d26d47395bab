//! A Lambda function, invoked and waited for. What is asked and what is answered is the affair of whoever asks.

use crate::aws::Sdk;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Bytes that an answer may have at most, as Lambda counts them.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const LARGEST_ANSWER: usize = 6_291_556;

/// A function; its client is made when first used.
#[derive(Clone, Debug)]
pub struct Function {
    sdk: Arc<Sdk>,
    client: Arc<OnceCell<Client>>,
    name: Arc<str>,
    longest: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The event cannot be written as JSON.
    #[error("what {name} is asked is not JSON")]
    Event {
        /// The function.
        name: Arc<str>,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// There is none of this name in the account and region of whoever asks.
    #[error("there is no function {name}")]
    Missing {
        /// The function.
        name: Arc<str>,
        /// What Lambda says.
        source: Box<aws_sdk_lambda::Error>,
    },
    /// Lambda refused, or could not be reached. If it did not answer in time, the function may have done what was asked.
    #[error("{name} could not be asked")]
    Lambda {
        /// The function.
        name: Arc<str>,
        /// What Lambda says.
        source: Box<aws_sdk_lambda::Error>,
    },
    /// The function ended without an answer.
    #[error("{name} failed ({kind}): {said}")]
    Failed {
        /// The function.
        name: Arc<str>,
        /// `Unhandled`, as a rule.
        kind: String,
        /// What it said, as it said it.
        said: String,
    },
    /// The answer is none to what was asked.
    #[error("{name} answered something else")]
    Answer {
        /// The function.
        name: Arc<str>,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Function {
    /// Means the function of this name or ARN, which may take so long; nothing is connected before the first call.
    #[must_use]
    pub fn new(sdk: Arc<Sdk>, name: &str, longest: Duration) -> Self {
        Self { sdk, client: Arc::default(), name: name.into(), longest }
    }

    /// Invokes it once and waits for its answer: trying again is the affair of whoever asks.
    ///
    /// # Errors
    /// When it was not invoked, failed, or answered something else.
    pub async fn call<Answer: DeserializeOwned>(&self, event: &(impl Serialize + Sync)) -> Result<Answer, CallError> {
        let name = || Arc::clone(&self.name);
        let payload = serde_json::to_vec(event).map_err(|source| CallError::Event { name: name(), source })?;
        let client = self.client.get_or_init(|| self.connect()).await;
        let invocation = client.invoke().function_name(&*self.name).payload(Blob::new(payload)).send();
        // Boxed: the SDK's futures are large, and would otherwise become part of every future above.
        let answer = match Box::pin(invocation).await.map_err(aws_sdk_lambda::Error::from) {
            Ok(answer) => answer,
            Err(error @ aws_sdk_lambda::Error::ResourceNotFoundException(_)) => {
                return Err(CallError::Missing { name: name(), source: Box::new(error) });
            }
            Err(error) => return Err(CallError::Lambda { name: name(), source: Box::new(error) }),
        };
        let payload = answer.payload().map(AsRef::as_ref).unwrap_or_default();
        if let Some(kind) = answer.function_error() {
            let said = String::from_utf8_lossy(payload).into_owned();
            return Err(CallError::Failed { name: name(), kind: kind.to_owned(), said });
        }
        serde_json::from_slice(payload).map_err(|source| CallError::Answer { name: name(), source })
    }

    /// The SDK tries once: it cannot know whether the function did something before its answer was lost.
    async fn connect(&self) -> Client {
        let shared = self.sdk.config().await;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .read_timeout(self.longest)
            .operation_attempt_timeout(self.longest)
            .operation_timeout(self.longest)
            .build();
        let config = aws_sdk_lambda::config::Builder::from(shared)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Client::from_conf(config)
    }
}
