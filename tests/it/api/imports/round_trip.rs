//! What an export writes is imported again, whatever is written in it.

use super::{import, upload};
use crate::api::exports::export;
use crate::api::exports::round_trip::{all, awkward};
use crate::support::{Actor, TestApp};
use serde_json::{Value, json};

/// What a client may say of a task; the rest is the server's.
const GIVEN: [&str; 6] = ["title", "description", "status", "priority", "tags", "due_at"];

#[tokio::test]
async fn an_export_is_imported_again_from_a_body() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for number in 0..200 {
        ada.task(awkward(number)).await;
    }
    let before = given(&ada).await;

    for (format, content_type) in [("csv", "text/csv"), ("json", "application/json")] {
        let grace = app.actor().await;
        let file = exported(&app, &ada, format).await;
        let job = import(&app, &grace, content_type, file).await;

        assert_eq!(job["result"], json!({ "rows": 200, "imported": 200, "refused": 0 }), "{format}");
        // The file begins with the newest task, which is made first.
        let mut after = given(&grace).await;
        after.reverse();
        assert_eq!(after, before, "{format}");
    }
}

#[tokio::test]
async fn an_export_of_more_than_a_body_holds_is_imported_again_from_an_upload() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for number in 0..30 {
        let mut task = awkward(number);
        task["description"] = format!("{number} \"quoted\", and\r\n{}", "\u{1F9FA}".repeat(9_900)).into();
        ada.task(task).await;
    }
    let before = given(&ada).await;

    for format in ["csv", "json"] {
        let grace = app.actor().await;
        let file = exported(&app, &ada, format).await;
        assert!(file.len() > 1_000_000, "{} bytes are a body", file.len());
        let request = json!({ "upload_id": upload(&grace, file).await, "format": format });
        let accepted = grace.post("/v1/imports", request).await;
        app.drain().await;

        let job = grace.get(accepted.header("location")).await.json(200);
        assert_eq!(job["result"], json!({ "rows": 30, "imported": 30, "refused": 0 }), "{format}");
        let mut after = given(&grace).await;
        after.reverse();
        assert_eq!(after, before, "{format}");
    }
}

#[tokio::test]
async fn an_import_is_as_strict_as_the_api() {
    let app = TestApp::new().await;
    let tasks = [
        json!({ "title": "" }),
        json!({ "title": "a".repeat(201) }),
        json!({ "title": "nul \0" }),
        json!({ "title": null }),
        json!({}),
        json!({ "title": "t", "description": "d".repeat(10_001) }),
        json!({ "title": "t", "status": "later" }),
        json!({ "title": "t", "status": null }),
        json!({ "title": "t", "priority": 10 }),
        json!({ "title": "t", "priority": -1 }),
        json!({ "title": "t", "priority": "3" }),
        json!({ "title": "t", "priority": 2.5 }),
        json!({ "title": "t", "tags": vec!["x"; 21] }),
        json!({ "title": "t", "tags": ["", "y".repeat(51)] }),
        json!({ "title": "t", "tags": "home" }),
        json!({ "title": "t", "tags": [1] }),
        json!({ "title": "t", "due_at": "tomorrow" }),
        json!({ "title": "t", "due_at": "2026-02-30T00:00:00Z" }),
        json!({ "title": "t", "due_at": "-9999-01-01T00:00:00Z" }),
        json!({ "title": "t", "due_at": 7 }),
        json!({ "title": "t", "colour": "red" }),
        json!({ "title": "t", "due_at": null, "tags": [], "description": "" }),
        json!({ "title": "🧺".repeat(200), "description": "🧺".repeat(10_000), "tags": ["🧺".repeat(50)] }),
    ];

    for task in tasks {
        let ada = app.actor().await;
        let job = import(&app, &ada, "application/json", json!([task]).to_string()).await;
        let answer = ada.post("/v1/tasks", task.clone()).await;

        assert_eq!(job["result"]["imported"] == 1, answer.status == 201, "{task}: {job}, {answer:?}");
        if answer.status == 422 {
            let errors = ada.get(&format!("/v1/imports/{}/errors", job["id"].as_str().unwrap())).await.json(200);
            let errors: Vec<String> = errors["items"].as_array().unwrap().iter().map(field_and_code).collect();
            // A list is wrong as a whole here.
            let refused: Vec<String> =
                answer.refused().iter().map(|error| error.replace("tags[0]: wrong_type", "tags: wrong_type")).collect();
            assert_eq!(errors, refused, "{task}");
        }
    }
}

fn field_and_code(error: &Value) -> String {
    format!("{}: {}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap())
}

async fn exported(app: &TestApp, actor: &Actor<'_>, format: &str) -> String {
    let job = export(app, actor, json!({ "format": format })).await;
    actor.get(job["result"]["url"].as_str().unwrap()).await.text(200)
}

/// What was given of all tasks, newest first.
async fn given(actor: &Actor<'_>) -> Vec<Value> {
    let tasks = all(actor, "/v1/tasks?limit=100").await;
    tasks.iter().map(|task| GIVEN.iter().map(|name| ((*name).to_owned(), task[*name].clone())).collect()).collect()
}
