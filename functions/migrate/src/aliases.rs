//! The aliases that traffic goes through, and whether older code gets any of it.

use anyhow::Context as _;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::SdkError;
use shared::aws::Sdk;
use std::sync::Arc;

/// Lambda, which knows what an alias leads to.
#[derive(Clone, Debug)]
pub struct Aliases {
    sdk: Arc<Sdk>,
}

impl Aliases {
    /// Makes the handle; nothing is asked yet.
    #[must_use]
    pub fn new(sdk: Arc<Sdk>) -> Self {
        Self { sdk }
    }

    /// Says why older code may still run behind an alias, which is named by its ARN; `None` when none does.
    pub(crate) async fn older_code(&self, arn: &str) -> anyhow::Result<Option<String>> {
        let client = Client::new(self.sdk.config().await);
        let (function, name) = arn.rsplit_once(':').with_context(|| format!("{arn} names no alias"))?;
        let request = client.get_alias().function_name(function).name(name);
        // Boxed: the SDK's futures are large, and would otherwise become part of every future above.
        let alias = Box::pin(request.send()).await.map_err(unanswered)?;
        let weights = alias.routing_config().and_then(|routing| routing.additional_version_weights());
        if weights.is_some_and(|weights| !weights.is_empty()) {
            return Ok(Some(format!("{arn} leads to two versions: a deploy is under way")));
        }
        // After a rollback the alias leads to an older version again.
        if code(&client, function, name).await? != code(&client, function, "$LATEST").await? {
            return Ok(Some(format!("{arn} leads to code that is not the newest: a deploy was rolled back")));
        }
        Ok(None)
    }
}

async fn code(client: &Client, function: &str, qualifier: &str) -> anyhow::Result<String> {
    let request = client.get_function_configuration().function_name(function).qualifier(qualifier);
    let configuration = Box::pin(request.send()).await.map_err(unanswered)?;
    configuration.code_sha256.with_context(|| format!("{function}:{qualifier} has no code"))
}

fn unanswered<E>(error: SdkError<E>) -> anyhow::Error
where
    aws_sdk_lambda::Error: From<SdkError<E>>,
{
    anyhow::Error::new(aws_sdk_lambda::Error::from(error)).context("Lambda did not say what an alias leads to")
}
