//! Downloading the file of an export.

use super::export;
use crate::support::probe::{Probe, kinds};
use crate::support::{Actor, TestApp};
use serde_json::json;
use shared::jobs::NewJob;

#[tokio::test]
async fn a_file_comes_with_its_type_its_size_and_a_name() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    ada.task(json!({})).await;

    for (format, content_type) in [("csv", "text/csv; charset=utf-8"), ("json", "application/json")] {
        let job = export(&app, &ada, json!({ "format": format })).await;
        let file = ada.get(job["result"]["url"].as_str().unwrap()).await;

        assert_eq!(file.status, 200);
        assert_eq!(file.header("content-type"), content_type);
        assert_eq!(file.header("content-type"), job["result"]["content_type"]);
        assert_eq!(file.header("content-length"), file.body.len().to_string());
        assert_eq!(job["result"]["bytes"], file.body.len());
        assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"tasks.{format}\""));
    }
}

#[tokio::test]
async fn there_is_no_file_before_the_job_is_done() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let job = ada.post("/v1/exports", json!({ "format": "csv" })).await.json(202);
    let url = format!("/v1/exports/{}/content", job["id"].as_str().unwrap());

    let early = ada.get(&url).await;
    app.drain().await;
    let late = ada.get(&url).await;

    assert_eq!(early.problem(404)["type"], "urn:errand:problem:not-found");
    assert_eq!(late.status, 200);
}

#[tokio::test]
async fn another_owner_gets_neither_the_job_nor_the_file() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let grace = app.actor().await;
    let job = export(&app, &ada, json!({ "format": "csv" })).await;

    grace.get(&format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await.problem(404);
    grace.get(job["result"]["url"].as_str().unwrap()).await.problem(404);
    Actor::nobody(&app).get(job["result"]["url"].as_str().unwrap()).await.problem(401);
}

#[tokio::test]
async fn a_job_that_is_no_export_has_no_file() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let job = app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap().owned_by(ada.id)).await.row.id;
    app.drain().await;

    ada.get(&format!("/v1/jobs/{job}")).await.json(200);
    ada.get(&format!("/v1/exports/{job}/content")).await.problem(404);
    ada.get("/v1/exports/no-id/content").await.problem(404);
}

#[tokio::test]
async fn a_file_that_expired_is_not_there() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let job = export(&app, &ada, json!({ "format": "csv" })).await;
    sqlx::query("update exports set object_key = 'exports/gone.csv'").execute(&mut app.db().await).await.unwrap();

    let answer = ada.get(job["result"]["url"].as_str().unwrap()).await;

    assert_eq!(answer.problem(404)["type"], "urn:errand:problem:not-found");
}
