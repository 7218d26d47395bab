//! Asking for an import.

use super::{import, titles, upload};
use crate::support::{Actor, TestApp};
use axum::http::Method;
use serde_json::json;
use uuid::Uuid;

const CSV: &str = "title\r\nWater the plants\r\n";

#[tokio::test]
async fn an_import_is_accepted_as_a_job() {
    let app = TestApp::new().await.may_leave_jobs();
    let ada = app.actor().await;

    let answer = ada.send_as(Method::POST, "/v1/imports", "text/csv", CSV).await;

    let job = answer.json(202);
    assert_eq!(answer.header("location"), format!("/v1/jobs/{}", job["id"].as_str().unwrap()));
    assert_eq!((&job["kind"], &job["state"]), (&json!("import_tasks"), &json!("available")));
    assert_eq!(ada.get(answer.header("location")).await.json(200), job);
}

#[tokio::test]
async fn each_type_of_file_is_imported() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let files = [
        ("text/csv", "title\nfirst\n"),
        ("Text/CSV; charset=\"UTF-8\"", "title\nsecond\n"),
        ("application/json", " [{\"title\": \"third\"}]"),
        ("application/json; charset=utf-8", "[{\"title\": \"fourth\"}]"),
        ("application/x-ndjson", "{\"title\": \"fifth\"}\n"),
        ("application/jsonl", "{\"title\": \"sixth\"}\n{\"title\": \"seventh\"}"),
        ("application/x-ndjson", "[{\"title\": \"eighth\"}]"),
    ];

    for (content_type, file) in files {
        let job = import(&app, &ada, content_type, file).await;
        assert_eq!((&job["state"], &job["result"]["refused"]), (&json!("succeeded"), &json!(0)), "{job}");
    }

    assert_eq!(titles(&ada).await, ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]);
}

#[tokio::test]
async fn a_finished_import_says_what_became_of_the_rows_and_leaves_no_file() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let job = import(&app, &ada, "text/csv", "title,priority\nfirst,1\nsecond,10\nthird,\n").await;

    assert_eq!(job["state"], "succeeded");
    assert_eq!(job["result"], json!({ "rows": 3, "imported": 2, "refused": 1 }));
    assert_eq!(titles(&ada).await, ["first", "third"]);
    assert_eq!(app.files().len(), 0, "{:?}", app.files());
}

#[tokio::test]
async fn nothing_of_the_file_is_in_the_job() {
    let app = TestApp::new().await.may_leave_jobs();
    let ada = app.actor().await;

    ada.send_as(Method::POST, "/v1/imports", "text/csv", CSV).await.json(202);

    let payload: serde_json::Value =
        sqlx::query_scalar("select payload from jobs").fetch_one(&mut app.db().await).await.unwrap();
    assert!(!payload.to_string().contains("Water"), "{payload}");
    assert_eq!(payload["bytes"], CSV.len());
    assert!(payload["object_key"].as_str().unwrap().starts_with(&format!("imports/{}/", ada.id)), "{payload}");
}

#[tokio::test]
async fn other_types_and_encodings_are_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for content_type in ["", "text/plain", "application/xml", "text/csv; charset=iso-8859-1", "multipart/form-data"] {
        let answer = ada.send_as(Method::POST, "/v1/imports", content_type, CSV).await;

        let problem = answer.problem(415);
        assert!(problem["detail"].as_str().unwrap().contains("text/csv"), "{content_type}: {problem}");
    }
    assert_eq!(app.files().len(), 0);
}

#[tokio::test]
async fn a_body_of_more_than_a_megabyte_is_sent_elsewhere() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let answer = ada.send_as(Method::POST, "/v1/imports", "text/csv", vec![b'a'; 1_000_001]).await;

    assert!(answer.problem(413)["detail"].as_str().unwrap().contains("/v1/uploads"));
}

#[tokio::test]
async fn what_names_no_file_is_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let nothing = Uuid::nil();
    let mistakes = [
        (json!({}), "upload_id: missing"),
        (json!({ "upload_id": nothing }), "format: missing"),
        (json!({ "upload_id": nothing, "format": "xml" }), "format: wrong_type"),
        (json!({ "upload_id": "no id", "format": "csv" }), "upload_id: wrong_type"),
        (json!({ "upload_id": nothing, "format": "csv", "colour": 1 }), "colour: unknown"),
        (json!({ "upload_id": nothing, "format": "csv" }), "upload_id: not_allowed"),
    ];

    for (request, error) in mistakes {
        assert_eq!(ada.post("/v1/imports", request.clone()).await.refused(), [error], "{request}");
    }
    for (content_type, body) in [("text/csv", ""), ("application/json", ""), ("application/json", "\"text\"")] {
        ada.send_as(Method::POST, "/v1/imports", content_type, body).await.problem(400);
    }
}

#[tokio::test]
async fn an_upload_of_another_owner_is_not_there() {
    let app = TestApp::new().await.may_leave_jobs();
    let ada = app.actor().await;
    let grace = app.actor().await;
    let hers = upload(&grace, CSV).await;

    let request = json!({ "upload_id": hers, "format": "csv" });

    assert_eq!(ada.post("/v1/imports", request.clone()).await.refused(), ["upload_id: not_allowed"]);
    grace.post("/v1/imports", request).await.json(202);
}

#[tokio::test]
async fn an_upload_is_imported_once() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let request = json!({ "upload_id": upload(&ada, CSV).await, "format": "csv" });
    ada.post("/v1/imports", request.clone()).await.json(202);

    let while_it_waits = ada.post("/v1/imports", request.clone()).await;
    app.drain().await;
    let afterwards = ada.post("/v1/imports", request).await;

    assert_eq!(while_it_waits.problem(409)["errors"][0]["code"], "taken");
    assert_eq!(afterwards.refused(), ["upload_id: not_allowed"]);
    assert_eq!(titles(&ada).await, ["Water the plants"]);
}

#[tokio::test]
async fn nobody_imports_without_a_token() {
    let app = TestApp::new().await;

    Actor::nobody(&app).send_as(Method::POST, "/v1/imports", "text/csv", CSV).await.problem(401);
}
