//! The hook: CodeDeploy says that a version is about to get traffic, and waits for a word. Silence would hold the deployment
//! up for an hour, so it gets one on every path.

use crate::Config;
use crate::trial::{self, Patience};
use anyhow::Context as _;
use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::types::LifecycleEventStatus;
use serde::{Deserialize, Serialize};
use shared::aws::Sdk;
use std::sync::Arc;
use std::time::Duration;

/// Kept back from the time that is left, for the word to CodeDeploy.
const TIME_TO_ANSWER: Duration = Duration::from_secs(15);

/// What CodeDeploy sends.
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html>
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Hook {
    deployment_id: String,
    lifecycle_event_hook_execution_id: String,
}

/// What became of it; also what the function answers, which nobody but a log reads.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether traffic may move.
    pub passed: bool,
    /// What was wrong; empty when it passed.
    pub reason: String,
}

/// What a process needs to try a version.
#[derive(Debug)]
pub struct Smoke {
    sdk: Arc<Sdk>,
    api_version: String,
    patience: Patience,
}

impl Smoke {
    /// Tries the version of the configuration; nothing is connected yet.
    #[must_use]
    pub fn new(config: Config, sdk: Arc<Sdk>, patience: Patience) -> Self {
        Self { sdk, api_version: config.api_version, patience }
    }

    /// Tries the version, and tells CodeDeploy.
    ///
    /// # Errors
    /// When CodeDeploy could not be told.
    pub async fn handle(&self, hook: Hook, time_left: Duration) -> anyhow::Result<Verdict> {
        let limit = time_left.saturating_sub(TIME_TO_ANSWER);
        let tried = tokio::time::timeout(limit, self.try_version())
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("it was not done after {} s", limit.as_secs())));
        let verdict = match tried {
            Ok(()) => Verdict { passed: true, reason: String::new() },
            Err(error) => Verdict { passed: false, reason: format!("{error:#}") },
        };
        let (version, reason) = (&self.api_version, &verdict.reason);
        if verdict.passed {
            tracing::info!(api.version = version, "{version} answers and may have traffic");
        } else {
            tracing::error!(
                error.code = "version_refused",
                api.version = version,
                error = reason,
                "{version} must not have traffic",
            );
        }
        self.tell(hook, verdict.passed).await?;
        Ok(verdict)
    }

    async fn try_version(&self) -> anyhow::Result<()> {
        let client = trial::client(&self.sdk).await;
        trial::run(&client, &self.api_version, self.patience).await
    }

    /// The function is outside of the VPC and has IPv4; CodeDeploy has no dual-stack name in every region.
    async fn tell(&self, hook: Hook, passed: bool) -> anyhow::Result<()> {
        let config = aws_sdk_codedeploy::config::Builder::from(self.sdk.config().await).use_dual_stack(false).build();
        let status = if passed { LifecycleEventStatus::Succeeded } else { LifecycleEventStatus::Failed };
        let told = Client::from_conf(config)
            .put_lifecycle_event_hook_execution_status()
            .deployment_id(hook.deployment_id)
            .lifecycle_event_hook_execution_id(hook.lifecycle_event_hook_execution_id)
            .status(status)
            .send();
        // Boxed: the SDK's futures are large.
        Box::pin(told).await.map_err(aws_sdk_codedeploy::Error::from).context("CodeDeploy could not be told")?;
        Ok(())
    }
}
