//! What is refused of a task, by create and by patch alike: each mistake is named with its field.

use crate::support::TestApp;
use serde_json::{Value, json};

/// Fields that are refused, with the fields and codes that the refusal names.
fn mistakes() -> Vec<(Value, Vec<&'static str>)> {
    let text = |characters: usize| "é".repeat(characters);
    vec![
        (json!({ "title": "" }), vec!["title: too_short"]),
        (json!({ "title": text(201) }), vec!["title: too_long"]),
        (json!({ "title": "🧺".repeat(201) }), vec!["title: too_long"]),
        (json!({ "title": "a\0b" }), vec!["title: not_allowed"]),
        (json!({ "title": 5 }), vec!["title: wrong_type"]),
        (json!({ "title": ["a"] }), vec!["title: wrong_type"]),
        (json!({ "description": text(10_001) }), vec!["description: too_long"]),
        (json!({ "description": "\0" }), vec!["description: not_allowed"]),
        (json!({ "description": {} }), vec!["description: wrong_type"]),
        (json!({ "status": "later" }), vec!["status: wrong_type"]),
        (json!({ "status": 1 }), vec!["status: wrong_type"]),
        (json!({ "priority": -1 }), vec!["priority: out_of_range"]),
        (json!({ "priority": 10 }), vec!["priority: out_of_range"]),
        (json!({ "priority": 1.5 }), vec!["priority: wrong_type"]),
        (json!({ "priority": 70_000 }), vec!["priority: wrong_type"]),
        (json!({ "priority": "high" }), vec!["priority: wrong_type"]),
        (json!({ "tags": vec!["a"; 21] }), vec!["tags: too_many"]),
        (json!({ "tags": ["a", ""] }), vec!["tags[1]: too_short"]),
        (json!({ "tags": [text(51)] }), vec!["tags[0]: too_long"]),
        (json!({ "tags": ["a\0b"] }), vec!["tags[0]: not_allowed"]),
        (json!({ "tags": "home" }), vec!["tags: wrong_type"]),
        (json!({ "tags": ["a", "b", 3] }), vec!["tags[2]: wrong_type"]),
        (json!({ "due_at": "tomorrow" }), vec!["due_at: wrong_type"]),
        (json!({ "due_at": "2026-02-30T00:00:00Z" }), vec!["due_at: wrong_type"]),
        (json!({ "due_at": "2026-12-24" }), vec!["due_at: wrong_type"]),
        (json!({ "due_at": "-9999-01-01T00:00:00Z" }), vec!["due_at: out_of_range"]),
        (json!({ "due_at": "+262142-01-01T00:00:00Z" }), vec!["due_at: out_of_range"]),
        (json!({ "due_at": "9999-12-31T23:59:59-02:00" }), vec!["due_at: out_of_range"]),
        (json!({ "due_at": 1_795_248_912 }), vec!["due_at: wrong_type"]),
        (json!({ "colour": "red" }), vec!["colour: unknown"]),
        (json!({ "id": "01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001" }), vec!["id: unknown"]),
        (json!({ "version": 1 }), vec!["version: unknown"]),
        (
            json!({ "title": "", "description": "\0", "priority": 10, "tags": ["", "\0"] }),
            vec![
                "title: too_short",
                "description: not_allowed",
                "priority: out_of_range",
                "tags[0]: too_short",
                "tags[1]: not_allowed",
            ],
        ),
    ]
}

/// Fields that are just within the limits.
fn limits() -> Vec<Value> {
    vec![
        json!({ "title": "a" }),
        json!({ "title": "é".repeat(200) }),
        json!({ "title": "🧺".repeat(200) }),
        json!({ "description": "" }),
        json!({ "description": "é".repeat(10_000) }),
        json!({ "priority": 0 }),
        json!({ "priority": 9 }),
        json!({ "tags": vec!["é".repeat(50); 20] }),
        json!({ "due_at": "0001-01-01T00:00:00Z" }),
        json!({ "due_at": "9999-12-31T23:59:59.999999Z" }),
    ]
}

#[tokio::test]
async fn a_new_task_is_refused_with_the_names_of_its_wrong_fields() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for (mut fields, errors) in mistakes() {
        fields.as_object_mut().unwrap().entry("title").or_insert_with(|| "a task".into());
        let answer = ada.post("/v1/tasks", fields.clone()).await;

        assert_eq!(answer.refused(), errors, "{fields}");
    }
    assert_eq!(ada.get("/v1/tasks").await.json(200)["items"], json!([]));
}

#[tokio::test]
async fn a_change_is_refused_with_the_names_of_its_wrong_fields() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({})).await;
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());

    for (fields, errors) in mistakes() {
        let answer = ada.patch(&path, fields.clone()).await;

        assert_eq!(answer.refused(), errors, "{fields}");
    }
    assert_eq!(ada.get(&path).await.json(200), task);
}

#[tokio::test]
async fn fields_may_reach_their_limits() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for fields in limits() {
        let created = ada.task(fields.clone()).await;
        let path = format!("/v1/tasks/{}", ada.task(json!({})).await["id"].as_str().unwrap());
        let changed = ada.patch(&path, fields.clone()).await.json(200);

        for (field, value) in fields.as_object().unwrap() {
            assert_eq!((&created[field], &changed[field]), (value, value));
        }
    }
}

#[tokio::test]
async fn a_title_is_needed() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    assert_eq!(ada.post("/v1/tasks", json!({})).await.refused(), ["title: missing"]);
    assert_eq!(ada.post("/v1/tasks", json!({ "title": null })).await.refused(), ["title: wrong_type"]);
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for body in [json!(null), json!("title"), json!(5), json!(["Nap", "", "open", 0, [], null])] {
        let answer = ada.post("/v1/tasks", body.clone()).await;

        assert_eq!(answer.problem(400)["detail"], "The body must be a JSON object.", "{body}");
    }
}
