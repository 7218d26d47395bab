//! Deleting a task.

use crate::support::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_deleted_task_is_gone_for_everything() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({})).await;
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());

    let answer = ada.delete(&path).await;

    assert_eq!(answer.text(204), "");
    ada.get(&path).await.problem(404);
    ada.patch(&path, json!({ "title": "Still here?" })).await.problem(404);
    ada.delete(&path).await.problem(404);
    assert_eq!(ada.get("/v1/tasks").await.json(200)["items"], json!([]));
}

#[tokio::test]
async fn only_the_named_task_is_deleted() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let kept = ada.task(json!({ "title": "kept" })).await;
    let deleted = ada.task(json!({ "title": "deleted" })).await;

    ada.delete(&format!("/v1/tasks/{}", deleted["id"].as_str().unwrap())).await.text(204);

    assert_eq!(ada.get("/v1/tasks").await.json(200)["items"], json!([kept]));
}
