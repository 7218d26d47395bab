//! Handing in a file that is too large for a body.

use super::{titles, upload};
use crate::support::{Actor, TestApp};
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, header};
use serde_json::json;
use std::io;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn the_answer_is_all_that_a_client_needs() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let request = Request::post("/v1/uploads")
        .header(header::AUTHORIZATION, format!("Bearer {}", ada.token))
        .header(header::HOST, "errand.example:8000")
        .body(Body::empty());

    let answer = app.send(request.unwrap()).await;

    let upload = answer.json(201);
    let id = upload["id"].as_str().unwrap();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        upload,
        json!({
            "id": id,
            "method": "PUT",
            "url": format!("http://errand.example:8000/v1/uploads/{id}/content"),
            "headers": { "authorization": format!("Bearer {}", ada.token) },
            "expires_at": upload["expires_at"],
            "max_bytes": 100_000_000,
        })
    );
}

#[tokio::test]
async fn a_file_is_uploaded_and_imported() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let id = upload(&ada, "title\nfrom a file\n").await;
    let job = ada.post("/v1/imports", json!({ "upload_id": id, "format": "csv" })).await;
    app.drain().await;

    let job = ada.get(job.header("location")).await.json(200);
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(titles(&ada).await, ["from a file"]);
    assert_eq!(app.files(), [""; 0]);
}

#[tokio::test]
async fn a_second_file_takes_the_place_of_the_first_until_it_is_imported() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let id = upload(&ada, "title\nfirst\n").await;
    let content = format!("/v1/uploads/{id}/content");

    ada.send_as(Method::PUT, &content, "text/csv", "title\nsecond file\n").await;
    let job = ada.post("/v1/imports", json!({ "upload_id": id, "format": "csv" })).await;
    ada.send_as(Method::PUT, &content, "text/csv", "title\nthe third file\n").await;
    app.drain().await;

    let job = ada.get(job.header("location")).await.json(200);
    assert_eq!(job["state"], "failed");
    assert!(job["errors"][0]["error"].as_str().unwrap().contains("another file"), "{job}");
    assert_eq!(titles(&ada).await, [""; 0]);
}

#[tokio::test]
async fn an_upload_ends_after_a_quarter_of_an_hour() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let upload = ada.send_as(Method::POST, "/v1/uploads", "", Body::empty()).await.json(201);

    app.advance(Duration::from_mins(16));
    let ada = Actor::new(&app, ada.id, app.api.signing.issue(ada.id, app.clock.now()).await.unwrap());
    let late = ada.send_as(Method::PUT, upload["url"].as_str().unwrap(), "text/csv", "title\n").await;

    late.problem(404);
    assert_eq!(app.files(), [""; 0]);
}

#[tokio::test]
async fn an_upload_that_nobody_asked_for_is_not_there() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for id in [Uuid::nil().to_string(), "no-id".to_owned(), "5b0d2f0a-0f5c-4a52-9b52-0d5f3f0f8f11".to_owned()] {
        let path = format!("/v1/uploads/{id}/content");
        ada.send_as(Method::PUT, &path, "text/csv", "title\n").await.problem(404);
        Actor::nobody(&app).send_as(Method::PUT, &path, "text/csv", "title\n").await.problem(401);
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_and_not_kept() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let upload = ada.send_as(Method::POST, "/v1/uploads", "", Body::empty()).await.json(201);
    let url = upload["url"].as_str().unwrap();
    let announced = Request::put(url)
        .header(header::AUTHORIZATION, format!("Bearer {}", ada.token))
        .header(header::CONTENT_LENGTH, "100000001")
        .body(Body::empty());

    let announced = app.send(announced.unwrap()).await;
    let megabyte = Bytes::from(vec![b'a'; 1_000_000]);
    let chunks = (0..101).map(move |_| Ok::<_, io::Error>(megabyte.clone()));
    let sent = ada.send_as(Method::PUT, url, "text/csv", Body::from_stream(futures_util::stream::iter(chunks))).await;

    for answer in [announced, sent] {
        assert!(answer.problem(413)["detail"].as_str().unwrap().contains("100 MB"));
    }
    let request = json!({ "upload_id": upload["id"], "format": "csv" });
    assert_eq!(ada.post("/v1/imports", request).await.refused(), ["upload_id: not_allowed"]);
}

#[tokio::test]
async fn a_file_that_does_not_arrive_as_a_whole_is_not_kept() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let upload = ada.send_as(Method::POST, "/v1/uploads", "", Body::empty()).await.json(201);
    let chunks = [Ok(Bytes::from_static(b"title\nhalf")), Err(io::Error::other("the client is gone"))];

    let body = Body::from_stream(futures_util::stream::iter(chunks));
    let answer = ada.send_as(Method::PUT, upload["url"].as_str().unwrap(), "text/csv", body).await;

    answer.problem(400);
    assert_eq!(app.files(), [""; 0]);
}

#[tokio::test]
async fn an_empty_file_is_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let id = upload(&ada, "").await;

    assert_eq!(
        ada.post("/v1/imports", json!({ "upload_id": id, "format": "csv" })).await.refused(),
        ["upload_id: too_short"]
    );
}
