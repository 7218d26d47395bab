//! Creating a task, and reading it back.

use crate::api::time;
use crate::support::{Actor, TestApp};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn a_task_is_created_with_all_its_fields() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let before = app.clock.now();

    let answer = ada
        .post(
            "/v1/tasks",
            json!({
                "title": "Water the plants",
                "description": "The fern twice.",
                "status": "in_progress",
                "priority": 7,
                "tags": ["home", "green"],
                "due_at": "2026-12-24T18:30:00Z",
            }),
        )
        .await;

    let task = answer.json(201);
    let created_at = time(&task["created_at"]);
    assert!(created_at.timestamp_micros() >= before.timestamp_micros() && created_at <= app.clock.now());
    assert_eq!(task["id"].as_str().unwrap().parse::<Uuid>().unwrap().get_version_num(), 7);
    assert_eq!(
        task,
        json!({
            "id": task["id"],
            "title": "Water the plants",
            "description": "The fern twice.",
            "status": "in_progress",
            "priority": 7,
            "tags": ["home", "green"],
            "due_at": "2026-12-24T18:30:00Z",
            "remind_at": null,
            "created_at": task["created_at"],
            "updated_at": task["created_at"],
            "completed_at": null,
            "version": 1,
        })
    );
    assert_eq!(answer.header("location"), format!("/v1/tasks/{}", task["id"].as_str().unwrap()));
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_title_is_enough() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let task = ada.post("/v1/tasks", json!({ "title": "Nap" })).await.json(201);

    assert_eq!(
        task,
        json!({
            "id": task["id"],
            "title": "Nap",
            "description": "",
            "status": "open",
            "priority": 0,
            "tags": [],
            "due_at": null,
            "remind_at": null,
            "created_at": task["created_at"],
            "updated_at": task["created_at"],
            "completed_at": null,
            "version": 1,
        })
    );
}

#[tokio::test]
async fn a_task_is_found_where_its_location_says() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let created = ada.post("/v1/tasks", json!({ "title": "Nap", "tags": ["a"], "priority": 3 })).await;

    let found = ada.get(created.header("location")).await;

    assert_eq!(found.json(200), created.json(201));
}

#[tokio::test]
async fn a_task_that_is_done_from_the_start_is_completed_at_once() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let task = ada.task(json!({ "status": "done" })).await;

    assert_eq!(task["completed_at"], task["created_at"]);
    assert!(task["completed_at"].is_string());
}

#[tokio::test]
async fn times_come_back_in_utc() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let task = ada.task(json!({ "due_at": "2026-12-24T18:30:00.25+02:00" })).await;

    assert_eq!(task["due_at"], "2026-12-24T16:30:00.250Z");
}

#[tokio::test]
async fn text_comes_back_as_it_was_sent() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let texts =
        ["a, \"b\" and 'c'", "two\nlines", "two\r\nlines", "🧺 👩‍👩‍👧 é", "שלום עולם", "=1+1", " padded\t", "\\ % _"];

    for text in texts {
        let task = ada.task(json!({ "title": text, "description": text, "tags": [text] })).await;

        assert_eq!((&task["title"], &task["description"], &task["tags"]), (&json!(text), &json!(text), &json!([text])));
    }
}

#[tokio::test]
async fn an_id_that_is_none_names_nothing() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for id in ["1", "abc", "%00", "%FF", "01a1fd2c-77da-7b3d-8e21-4c5d6e7f800", "01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001"]
    {
        let answer = ada.get(&format!("/v1/tasks/{id}")).await;

        assert_eq!(answer.problem(404)["type"], "urn:errand:problem:not-found", "{id}");
    }
}

#[tokio::test]
async fn nobody_creates_a_task_without_a_token() {
    let app = TestApp::new().await;

    let answer = Actor::nobody(&app).post("/v1/tasks", json!({ "title": "Nap" })).await;

    assert_eq!(answer.problem(401)["type"], "urn:errand:problem:unauthorized");
}
