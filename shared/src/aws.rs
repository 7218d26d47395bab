//! The AWS SDK, set up once: one HTTP client, short timeouts, dual-stack endpoints.

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Loads the SDK's configuration when it is first asked for, so that a cold start does not wait for it.
#[derive(Debug, Default)]
pub struct Sdk {
    config: OnceCell<SdkConfig>,
}

/// For whoever has a configuration already.
impl From<SdkConfig> for Sdk {
    fn from(config: SdkConfig) -> Self {
        Self { config: OnceCell::from(config) }
    }
}

impl Sdk {
    /// Returns the shared configuration. The functions reach AWS over IPv6 alone, so endpoints are dual-stack,
    /// except where a custom endpoint is set: the SDK refuses both at once.
    pub async fn config(&self) -> &SdkConfig {
        self.config
            .get_or_init(|| async {
                let http = aws_smithy_http_client::Builder::new()
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .build_https();
                let timeouts = TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(2))
                    .operation_attempt_timeout(Duration::from_secs(3))
                    .operation_timeout(Duration::from_secs(8))
                    .build();
                let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts);
                // Boxed: the SDK's futures are large, and would otherwise become part of every future above.
                let config = Box::pin(loader.load()).await;
                if config.endpoint_url().is_some() {
                    config
                } else {
                    config.into_builder().use_dual_stack(true).build()
                }
            })
            .await
    }
}
