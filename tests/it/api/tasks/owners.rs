//! Nobody reaches another owner's tasks.

use crate::support::TestApp;
use serde_json::json;

#[tokio::test]
async fn another_owners_task_is_not_there() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let grace = app.actor().await;
    let task = ada.task(json!({ "title": "Ada's" })).await;
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());

    for answer in
        [grace.get(&path).await, grace.patch(&path, json!({ "title": "Grace's" })).await, grace.delete(&path).await]
    {
        assert_eq!(answer.problem(404)["type"], "urn:errand:problem:not-found");
    }
    assert_eq!(ada.get(&path).await.json(200), task);
}

#[tokio::test]
async fn another_owners_tasks_are_in_no_list() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let grace = app.actor().await;
    ada.task(json!({ "title": "older", "tags": ["home"] })).await;
    ada.task(json!({ "title": "newer", "tags": ["home"] })).await;
    let page = ada.get("/v1/tasks?limit=1").await;

    let nothing = json!({ "items": [], "next_cursor": null });
    for query in ["", "?q=er", "?tag=home", "?status=open", "?limit=100"] {
        assert_eq!(grace.get(&format!("/v1/tasks{query}")).await.json(200), nothing, "{query}");
    }
    assert_eq!(grace.get(&page.next_page().unwrap()).await.json(200), nothing);
}

#[tokio::test]
async fn each_owner_sees_the_own_tasks_alone() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let grace = app.actor().await;

    let hers = ada.task(json!({ "title": "the same" })).await;
    let his = grace.task(json!({ "title": "the same" })).await;

    assert_eq!(ada.get("/v1/tasks").await.json(200)["items"], json!([hers]));
    assert_eq!(grace.get("/v1/tasks").await.json(200)["items"], json!([his]));
}
