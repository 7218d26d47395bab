//! Asking for an export.

use super::export;
use crate::api::time;
use crate::support::{Actor, TestApp};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn an_export_is_accepted_as_a_job() {
    let app = TestApp::new().await.may_leave_jobs();
    let ada = app.actor().await;

    let answer = ada.post("/v1/exports", json!({ "format": "csv" })).await;

    let job = answer.json(202);
    let id = job["id"].as_str().unwrap();
    assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 7);
    assert_eq!(answer.header("location"), format!("/v1/jobs/{id}"));
    assert_eq!(
        job,
        json!({
            "id": id,
            "kind": "export_tasks",
            "state": "available",
            "attempt": 0,
            "max_attempts": 5,
            "progress": null,
            "result": null,
            "errors": [],
            "cancel_requested": false,
            "run_at": job["created_at"],
            "created_at": job["created_at"],
            "started_at": null,
            "finished_at": null,
        })
    );
    assert_eq!(ada.get(answer.header("location")).await.json(200), job);
}

#[tokio::test]
async fn a_finished_export_says_what_it_made() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    ada.task(json!({})).await;
    let accepted = ada.post("/v1/exports", json!({ "format": "json" })).await.json(202);
    app.advance(Duration::from_secs(5));

    app.drain().await;

    let id = accepted["id"].as_str().unwrap();
    let url = format!("/v1/exports/{id}/content");
    let file = ada.get(&url).await.text(200);
    let job = ada.get(&format!("/v1/jobs/{id}")).await.json(200);
    assert_eq!(
        job,
        json!({
            "id": id,
            "kind": "export_tasks",
            "state": "succeeded",
            "attempt": 1,
            "max_attempts": 5,
            "progress": null,
            "result": { "rows": 1, "bytes": file.len(), "content_type": "application/json", "url": url },
            "errors": [],
            "cancel_requested": false,
            "run_at": accepted["run_at"],
            "created_at": accepted["created_at"],
            "started_at": job["started_at"],
            "finished_at": job["finished_at"],
        })
    );
    let times = [&job["created_at"], &job["started_at"], &job["finished_at"]].map(time);
    assert!(times.is_sorted() && times[0] < times[1], "{times:?}");
}

#[tokio::test]
async fn mistakes_are_refused_by_name() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let mistakes = [
        (json!({}), "format: missing"),
        (json!({ "format": "xml" }), "format: wrong_type"),
        (json!({ "format": "CSV" }), "format: wrong_type"),
        (json!({ "format": null }), "format: wrong_type"),
        (json!({ "format": "csv", "colour": "red" }), "colour: unknown"),
        (json!({ "format": "csv", "filter": "open" }), "filter: wrong_type"),
        (json!({ "format": "csv", "filter": { "ter": "open" } }), "filter.ter: unknown"),
        (json!({ "format": "csv", "filter": { "status": "later" } }), "filter.status: wrong_type"),
        (json!({ "format": "csv", "filter": { "priority": 10 } }), "filter.priority: out_of_range"),
        (json!({ "format": "csv", "filter": { "priority": "high" } }), "filter.priority: wrong_type"),
        (json!({ "format": "csv", "filter": { "tag": "" } }), "filter.tag: too_short"),
        (json!({ "format": "csv", "filter": { "q": "\0" } }), "filter.q: not_allowed"),
        (json!({ "format": "csv", "filter": { "due_before": "tomorrow" } }), "filter.due_before: wrong_type"),
        (
            json!({ "format": "csv", "filter": { "due_after": "-9999-01-01T00:00:00Z" } }),
            "filter.due_after: out_of_range",
        ),
    ];

    for (request, error) in mistakes {
        assert_eq!(ada.post("/v1/exports", request.clone()).await.refused(), [error], "{request}");
    }
    assert_eq!(ada.get("/v1/jobs").await.json(200)["items"], json!([]));
}

#[tokio::test]
async fn nobody_exports_without_a_token() {
    let app = TestApp::new().await;

    Actor::nobody(&app).post("/v1/exports", json!({ "format": "csv" })).await.problem(401);
}

#[tokio::test]
async fn two_exports_are_two_jobs_with_a_file_each() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    ada.task(json!({ "title": "first" })).await;

    let early = export(&app, &ada, json!({ "format": "json" })).await;
    ada.task(json!({ "title": "second" })).await;
    let late = export(&app, &ada, json!({ "format": "json" })).await;

    assert_ne!(early["id"], late["id"]);
    assert_eq!((&early["result"]["rows"], &late["result"]["rows"]), (&json!(1), &json!(2)));
    let early = ada.get(early["result"]["url"].as_str().unwrap()).await.json(200);
    assert_eq!(early.as_array().unwrap().len(), 1);
}
