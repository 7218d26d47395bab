//! The function of a stack that performs operations. Whoever asks it needs the right to invoke it, and nothing else.

use anyhow::{Context as _, anyhow};
use aws_sdk_sqs::config::{ProvideCredentials as _, Region, SharedCredentialsProvider};
use scheduler::operations::{Operation, Reply};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::aws::Sdk;
use shared::lambda::{CallError, Function};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take: the function's limit in `template.yaml`, and a cold start.
const LONGEST: Duration = Duration::from_mins(1);

/// A stack on AWS.
pub(super) struct Stack {
    function: Function,
    function_name: String,
    region: Region,
}

impl Stack {
    /// Means the stack of this name, in the account and the region of the environment.
    pub(super) async fn open(name: &str) -> anyhow::Result<Self> {
        let config = Sdk::default().config().await.clone();
        let region = config.region().context("there is no AWS region: name that of the stack in AWS_REGION")?.clone();
        let config = match config.credentials_provider() {
            // Found once, because a second look would not say again why there are none.
            Some(provider) => {
                let found = provider.provide_credentials().await;
                let found = found.context("there are no AWS credentials that can be used")?;
                config.into_builder().credentials_provider(SharedCredentialsProvider::new(found)).build()
            }
            None => config,
        };
        let function_name = function_name(name);
        let function = Function::new(Arc::new(Sdk::from(config)), &function_name, LONGEST);
        Ok(Self { function, function_name, region })
    }

    /// Has an operation performed there.
    pub(super) async fn ask<Answer: DeserializeOwned>(&self, operation: Operation) -> anyhow::Result<Answer> {
        let name = &self.function_name;
        let answer: Value = match self.function.call(&json!({ "jobs": operation })).await {
            Err(error @ CallError::Missing { .. }) => {
                return Err(anyhow::Error::new(error).context(format!(
                    "there is no such stack in {}, in this account, or it is of an older release without this command",
                    self.region
                )));
            }
            answer => answer?,
        };
        // An older one takes whatever it gets for a tick, and answers with counts.
        let reply = serde_json::from_value(answer)
            .with_context(|| format!("{name} does not know this command: its stack is of an older release"))?;
        match reply {
            Reply::Done(answer) => serde_json::from_value(answer)
                .with_context(|| format!("{name} answers in another way: its stack is of another release")),
            Reply::Failed { reason } => Err(anyhow!("{name}: {reason}")),
        }
    }
}

/// The name that `template.yaml` gives the function.
fn function_name(stack: &str) -> String {
    format!("{stack}-scheduler")
}
