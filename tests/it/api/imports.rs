//! Imports, from the request to the tasks.

mod errors;
mod request;
mod round_trip;
mod uploads;

use crate::support::{Actor, TestApp};
use axum::body::Body;
use axum::http::Method;
use serde_json::Value;

/// Starts an import of a body and runs it; returns its job, however it ended.
pub async fn import(app: &TestApp, actor: &Actor<'_>, content_type: &str, body: impl Into<Body>) -> Value {
    let accepted = actor.send_as(Method::POST, "/v1/imports", content_type, body).await;
    accepted.json(202);
    app.drain().await;
    actor.get(accepted.header("location")).await.json(200)
}

/// Uploads a file and returns the upload's id.
pub async fn upload(actor: &Actor<'_>, file: impl Into<Body>) -> String {
    let upload = actor.send_as(Method::POST, "/v1/uploads", "", Body::empty()).await.json(201);
    let sent = actor.send_as(Method::PUT, upload["url"].as_str().unwrap(), "text/csv", file).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    upload["id"].as_str().unwrap().to_owned()
}

/// The titles of an account's tasks, oldest first.
pub async fn titles(actor: &Actor<'_>) -> Vec<String> {
    let list = actor.get("/v1/tasks?limit=100").await.json(200);
    let titles = list["items"].as_array().unwrap().iter().rev().map(|task| task["title"].as_str().unwrap().to_owned());
    titles.collect()
}
