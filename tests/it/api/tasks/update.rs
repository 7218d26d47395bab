//! Changing a task, field by field.

use crate::support::TestApp;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn each_field_is_changed_alone() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let before = json!({
        "title": "Before",
        "description": "as it was",
        "status": "open",
        "priority": 1,
        "tags": ["old"],
        "due_at": "2026-12-24T12:00:00Z",
    });
    let values = [
        ("title", json!("After")),
        ("description", json!("")),
        ("status", json!("in_progress")),
        ("priority", json!(0)),
        ("tags", json!([])),
        ("due_at", json!("2027-01-01T00:00:00Z")),
        ("due_at", json!(null)),
    ];

    for (field, value) in values {
        let task = ada.task(before.clone()).await;
        app.advance(Duration::from_mins(1));
        let changed = ada.patch(&path(&task), json!({ field: value })).await.json(200);

        let mut expected = task.clone();
        expected[field] = value;
        expected["version"] = json!(2);
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected, "{field}");
        assert!(changed["updated_at"].as_str() > task["updated_at"].as_str(), "{field}");
        assert_eq!(ada.get(&path(&task)).await.json(200), changed, "{field}");
    }
}

#[tokio::test]
async fn several_fields_are_changed_at_once() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({ "title": "Before", "tags": ["old"] })).await;

    let changed = ada.patch(&path(&task), json!({ "title": "After", "tags": ["new"], "priority": 9 })).await.json(200);

    assert_eq!(
        (&changed["title"], &changed["tags"], &changed["priority"], &changed["version"]),
        (&json!("After"), &json!(["new"]), &json!(9), &json!(2))
    );
}

#[tokio::test]
async fn a_task_is_completed_when_it_becomes_done_and_stays_so() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({})).await;
    app.advance(Duration::from_mins(1));

    let done = ada.patch(&path(&task), json!({ "status": "done" })).await.json(200);
    app.advance(Duration::from_mins(1));
    let touched = ada.patch(&path(&task), json!({ "priority": 3 })).await.json(200);
    let again = ada.patch(&path(&task), json!({ "status": "done" })).await.json(200);

    assert_eq!(done["completed_at"], done["updated_at"]);
    assert!(done["completed_at"].as_str() > task["created_at"].as_str());
    assert_eq!((&touched["completed_at"], &again["completed_at"]), (&done["completed_at"], &done["completed_at"]));
    assert!(touched["updated_at"].as_str() > done["updated_at"].as_str());
}

#[tokio::test]
async fn a_task_that_is_opened_again_is_not_completed() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for status in ["open", "in_progress"] {
        let task = ada.task(json!({ "status": "done" })).await;

        let opened = ada.patch(&path(&task), json!({ "status": status })).await.json(200);

        assert_eq!((&opened["status"], &opened["completed_at"]), (&json!(status), &Value::Null));
    }
}

#[tokio::test]
async fn the_version_counts_accepted_changes() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({})).await;

    for _ in 0..3 {
        ada.patch(&path(&task), json!({ "title": "again" })).await.json(200);
        ada.patch(&path(&task), json!({ "title": "" })).await.problem(422);
    }

    assert_eq!(ada.get(&path(&task)).await.json(200)["version"], 4);
}

/// Nothing special about it: whoever sends a patch that is accepted has changed the task, if only its version.
#[tokio::test]
async fn an_empty_change_counts_and_leaves_every_field() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({ "status": "done", "tags": ["a"], "due_at": "2026-12-24T12:00:00Z" })).await;
    app.advance(Duration::from_mins(1));

    let changed = ada.patch(&path(&task), json!({})).await.json(200);

    let mut expected = task.clone();
    expected["version"] = json!(2);
    expected["updated_at"] = changed["updated_at"].clone();
    assert_eq!(changed, expected);
    assert!(changed["updated_at"].as_str() > task["updated_at"].as_str());
}

#[tokio::test]
async fn changes_of_the_same_moment_are_all_counted() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({})).await;
    let path = path(&task);

    let (a, b, c) = tokio::join!(
        ada.patch(&path, json!({ "title": "a" })),
        ada.patch(&path, json!({ "priority": 7 })),
        ada.patch(&path, json!({ "tags": ["c"] })),
    );

    let mut versions = [a, b, c].map(|answer| answer.json(200)["version"].as_i64().unwrap());
    versions.sort_unstable();
    assert_eq!(versions, [2, 3, 4]);
    let task = ada.get(&path).await.json(200);
    assert_eq!((&task["title"], &task["priority"], &task["tags"]), (&json!("a"), &json!(7), &json!(["c"])));
}

#[tokio::test]
async fn a_task_that_is_not_there_is_not_changed() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for id in ["01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001", "no-id"] {
        ada.patch(&format!("/v1/tasks/{id}"), json!({ "title": "After" })).await.problem(404);
        ada.delete(&format!("/v1/tasks/{id}")).await.problem(404);
    }
}

fn path(task: &Value) -> String {
    format!("/v1/tasks/{}", task["id"].as_str().unwrap())
}
