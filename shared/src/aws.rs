//! The AWS SDK, set up once: one HTTP client, short timeouts, dual-stack endpoints.

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::ProvideRegion as _;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Loads the SDK's configuration when it is first asked for, so that a cold start does not wait for it.
#[derive(Debug)]
pub struct Sdk {
    config: OnceCell<SdkConfig>,
    load: fn() -> BoxFuture<'static, SdkConfig>,
}

impl Default for Sdk {
    /// For a process that may run anywhere: region and credentials come from variables, profiles, or the role of a
    /// container or machine.
    fn default() -> Self {
        Self { config: OnceCell::new(), load: || Box::pin(from_anywhere()) }
    }
}

/// For whoever has a configuration already.
impl From<SdkConfig> for Sdk {
    fn from(config: SdkConfig) -> Self {
        Self { config: OnceCell::from(config), ..Self::default() }
    }
}

impl Sdk {
    /// For a Lambda function. Lambda gives it region and credentials by variables, so nothing else is looked for, and the
    /// code that would look is not linked.
    #[must_use]
    pub fn of_a_function() -> Self {
        Self { config: OnceCell::new(), load: || Box::pin(from_variables()) }
    }

    /// Returns the shared configuration. The functions reach AWS over IPv6 alone, so endpoints are dual-stack,
    /// except where a custom endpoint is set: the SDK refuses both at once.
    pub async fn config(&self) -> &SdkConfig {
        self.config
            .get_or_init(|| async {
                let config = (self.load)().await;
                if config.endpoint_url().is_some() {
                    config
                } else {
                    config.into_builder().use_dual_stack(true).build()
                }
            })
            .await
    }
}

async fn from_anywhere() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http()).timeout_config(timeouts()).load().await
}

async fn from_variables() -> SdkConfig {
    #[expect(clippy::disallowed_methods, reason = "a variable of the SDK, as those that its providers read")]
    let endpoint = std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty());
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new().region().await)
        .credentials_provider(credentials)
        .http_client(http())
        .timeout_config(timeouts());
    builder.set_endpoint_url(endpoint);
    builder.build()
}

fn http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build()
}
