//! Exports, from the request to the file.

mod content;
mod request;
pub mod round_trip;

use crate::support::{Actor, TestApp};
use serde_json::Value;

/// Starts an export and runs it; returns its job.
pub async fn export(app: &TestApp, actor: &Actor<'_>, request: Value) -> Value {
    let accepted = actor.post("/v1/exports", request).await;
    accepted.json(202);
    app.drain().await;
    let job = actor.get(accepted.header("location")).await.json(200);
    assert_eq!(job["state"], "succeeded", "{job}");
    job
}
