//! The function, invoked and waited for.

use super::{Answer, LONGEST_CALL, OutboundError, Reply, Request};
use crate::aws::Sdk;
use anyhow::{Context as _, bail};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// What an invocation may take on top of the call it makes: a cold start, and the way there and back.
const ALLOWANCE: Duration = Duration::from_secs(10);

/// The Lambda function; its client is made when first used.
#[derive(Clone, Debug)]
pub struct LambdaOutbound {
    sdk: Arc<Sdk>,
    client: Arc<OnceCell<Client>>,
    function_name: Arc<str>,
}

impl LambdaOutbound {
    pub(super) fn new(sdk: Arc<Sdk>, function_name: &str) -> Self {
        Self { sdk, client: Arc::default(), function_name: function_name.into() }
    }

    pub(super) async fn call(&self, request: Request) -> Result<Reply, OutboundError> {
        // Boxed: the SDK's futures are large, and would otherwise become part of every future above.
        Box::pin(self.invoke(&request)).await.map_err(OutboundError::Unavailable)?.into()
    }

    async fn invoke(&self, request: &Request) -> anyhow::Result<Answer> {
        let payload = serde_json::to_vec(request).context("the request is not JSON")?;
        let client = self.client.get_or_init(|| self.connect()).await;
        let invoked = client.invoke().function_name(&*self.function_name).payload(Blob::new(payload)).send().await;
        let answer = invoked.map_err(aws_sdk_lambda::Error::from)?;
        let payload = answer.payload().map(AsRef::as_ref).unwrap_or_default();
        if let Some(kind) = answer.function_error() {
            bail!("{} failed ({kind}): {}", self.function_name, String::from_utf8_lossy(payload));
        }
        serde_json::from_slice(payload).with_context(|| format!("{} answered something else", self.function_name))
    }

    /// The SDK tries once: a second mail or call because an answer was late is worse than a job that is retried, which
    /// its log shows.
    async fn connect(&self) -> Client {
        let shared = self.sdk.config().await;
        let longest = LONGEST_CALL + ALLOWANCE;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .read_timeout(longest)
            .operation_attempt_timeout(longest)
            .operation_timeout(longest)
            .build();
        let config = aws_sdk_lambda::config::Builder::from(shared)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Client::from_conf(config)
    }
}
