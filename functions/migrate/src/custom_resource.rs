//! The custom resource: CloudFormation invokes `migrate` and waits for an answer at a presigned URL. It gets one on
//! every path, or the deploy would hang until its time-out.

use crate::{State, handler};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The resource's name for CloudFormation; a changing one would make it delete the "old" schema.
const PHYSICAL_ID: &str = "errand-migration";

/// How long one try to answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Tries to answer.
const ANSWER_TRIES: u32 = 3;

/// Kept back from the time that is left, for the answer.
const TIME_TO_ANSWER: Duration = Duration::from_secs(40);

/// What CloudFormation sends.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    #[serde(rename = "RequestType")]
    kind: RequestType,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    #[serde(rename = "RequestId")]
    id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    status: &'static str,
    reason: String,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    data: Value,
}

/// Migrates, answers CloudFormation and returns what it was told.
///
/// # Errors
/// When CloudFormation could not be answered.
pub(crate) async fn handle(state: &State, event: Value, time_left: Duration) -> anyhow::Result<Value> {
    let request =
        Request::deserialize(event).context("the event has a ResponseURL but is no custom resource request")?;
    let done = match request.kind {
        // The schema goes with the database, whose own deletion policy decides.
        RequestType::Delete => Ok(json!({})),
        RequestType::Create | RequestType::Update => migrate(state, time_left).await,
    };
    answer(&request, &done).await?;
    done.or_else(|error| Ok(json!({ "error": format!("{error:#}") })))
}

async fn migrate(state: &State, time_left: Duration) -> anyhow::Result<Value> {
    let limit = time_left.saturating_sub(TIME_TO_ANSWER);
    let applied = tokio::time::timeout(limit, handler::migrate(state))
        .await
        .with_context(|| format!("the migrations took longer than {} s", limit.as_secs()))??;
    Ok(serde_json::to_value(applied)?)
}

async fn answer(request: &Request, done: &anyhow::Result<Value>) -> anyhow::Result<()> {
    let answer = Answer {
        status: if done.is_ok() { "SUCCESS" } else { "FAILED" },
        reason: done.as_ref().err().map_or_else(String::new, |error| {
            tracing::error!(
                error.code = "migration_failed",
                error = format!("{error:#}"),
                "The schema could not be brought up to date",
            );
            format!("{error:#}")
        }),
        physical_resource_id: request.physical_resource_id.as_deref().unwrap_or(PHYSICAL_ID),
        stack_id: &request.stack_id,
        request_id: &request.id,
        logical_resource_id: &request.logical_resource_id,
        data: done.as_ref().ok().cloned().unwrap_or_default(),
    };
    let body = serde_json::to_vec(&answer)?;
    shared::tls::install();
    #[expect(clippy::disallowed_methods, reason = "one request in the life of this process, with its own time limit")]
    let client = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).build()?;
    let mut tries = 1;
    loop {
        // The URL is signed without a content type: sending one would break the signature.
        let sent = client.put(&request.response_url).body(body.clone()).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => return Ok(()),
            Err(error) if tries < ANSWER_TRIES => {
                // The URL is a secret until it expires.
                tracing::warn!(error = %error.without_url(), "CloudFormation could not be answered, trying again");
                tries += 1;
            }
            Err(error) => {
                return Err(anyhow::Error::new(error.without_url()).context("CloudFormation could not be answered"));
            }
        }
    }
}
