//! Webhooks: what owners register, and what becomes of their tasks' changes.

mod create;
mod deliveries;
mod events;
mod owners;
mod rotate;
mod update;

use crate::support::{Actor, TestApp};
use serde_json::{Value, json};
use sqlx::Row as _;

/// Registers a webhook for some events; the answer has its secret.
pub async fn webhook(actor: &Actor<'_>, url: &str, event_types: &[&str]) -> Value {
    actor.post("/v1/webhooks", json!({ "url": url, "event_types": event_types })).await.json(201)
}

/// Returns the path of a webhook.
pub fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())
}

/// Returns the log of a webhook's deliveries, newest first.
pub async fn log(actor: &Actor<'_>, webhook: &Value) -> Vec<Value> {
    let page = actor.get(&format!("{}/deliveries", path(webhook))).await.json(200);
    page["items"].as_array().unwrap().clone()
}

/// Counts the rows of a table.
async fn count(app: &TestApp, table: &str) -> i64 {
    let statement = sqlx::AssertSqlSafe(format!("select count(*) as n from {table}"));
    sqlx::query(statement).fetch_one(&mut app.db().await).await.unwrap().get("n")
}
