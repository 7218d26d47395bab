//! The trial: requests as the HTTP API makes them, sent to one version of the function.

use anyhow::{Context as _, bail};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::aws::Sdk;
use std::time::{Duration, Instant};

/// What is asked for; each must be answered with 200. The first also proves that the database, its secret and the way there
/// are in order.
pub const PATHS: [&str; 2] = ["/health/ready", "/hello"];

/// How long one request may take: the limit of the HTTP API, and a cold start.
const LIMIT: Duration = Duration::from_secs(35);

/// The answer of a version that waits for its database.
const UNAVAILABLE: u16 = 503;

/// How often a version that is not ready is asked again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long after the first request the last may be sent.
    pub total: Duration,
    /// The pause before each but the first.
    pub pause: Duration,
}

/// A database that has been asleep needs up to half a minute.
impl Default for Patience {
    fn default() -> Self {
        Self { total: Duration::from_secs(45), pause: Duration::from_secs(3) }
    }
}

/// The part of an answer that counts.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "statusCode")]
    status: u16,
}

/// Asks for everything in [`PATHS`].
///
/// # Errors
/// Says which request was not answered with 200.
pub(crate) async fn run(client: &Client, version: &str, patience: Patience) -> anyhow::Result<()> {
    for path in PATHS {
        let started = Instant::now();
        loop {
            let status = get(client, version, path).await.with_context(|| format!("GET {path}"))?;
            if status == 200 {
                break;
            }
            if status != UNAVAILABLE || started.elapsed() + patience.pause > patience.total {
                bail!("GET {path} was answered with {status}");
            }
            tokio::time::sleep(patience.pause).await;
        }
    }
    Ok(())
}

/// The client for one run. The SDK may try again: these requests change nothing.
pub(crate) async fn client(sdk: &Sdk) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(LIMIT)
        .operation_attempt_timeout(LIMIT)
        .operation_timeout(LIMIT * 2)
        .build();
    let config = aws_sdk_lambda::config::Builder::from(sdk.config().await).timeout_config(timeouts).build();
    Client::from_conf(config)
}

async fn get(client: &Client, version: &str, path: &str) -> anyhow::Result<u16> {
    let payload = serde_json::to_vec(&event(path))?;
    // Boxed: the SDK's futures are large.
    let invoked = Box::pin(client.invoke().function_name(version).payload(Blob::new(payload)).send()).await;
    let invoked = invoked.map_err(aws_sdk_lambda::Error::from)?;
    let payload = invoked.payload().map(AsRef::as_ref).unwrap_or_default();
    if let Some(kind) = invoked.function_error() {
        bail!("the function failed ({kind}): {}", String::from_utf8_lossy(payload));
    }
    let answer: Answer = serde_json::from_slice(payload).context("the answer is none of an HTTP API")?;
    Ok(answer.status)
}

/// A request in format 2.0 of API Gateway.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
fn event(path: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": { "accept": "application/json", "host": "smoke.invalid", "user-agent": "errand-smoke" },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "smoke",
            "domainName": "smoke.invalid",
            "domainPrefix": "smoke",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "errand-smoke",
            },
            "requestId": "smoke",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000_u64,
        },
        "isBase64Encoded": false,
    })
}
