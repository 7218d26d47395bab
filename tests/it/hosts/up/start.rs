//! Starting: on an empty folder, again on the same one, and over.

use crate::hosts::{Client, Errand, state_folder};
use serde_json::json;
use std::fs;

#[tokio::test]
async fn everything_works_from_an_empty_folder() {
    let folder = state_folder();
    let errand = Errand::up(folder.path(), &[]).await;
    let client = Client::new(errand.address(), "ada@example.com").await;

    let task = client.post("/v1/tasks", json!({ "title": "Water, \"please\"\nnow 🌱" })).await.json(201);
    let job = client.export("csv").await;
    let result = client.result(&job).await;
    let file = client.get(result["url"].as_str().unwrap()).await;

    assert_eq!((&result["rows"], &result["bytes"]), (&json!(1), &json!(file.body.len())));
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let text = file.text(200);
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0][0], &rows[0][1]), (task["id"].as_str().unwrap(), "Water, \"please\"\nnow 🌱"));
    errand.stop().await;
}

#[tokio::test]
async fn data_is_there_after_a_stop_and_a_start() {
    let folder = state_folder();
    let first = Errand::up(folder.path(), &[]).await;
    let client = Client::new(first.address(), "ada@example.com").await;
    let task = client.post("/v1/tasks", json!({ "title": "Stay" })).await.json(201);
    let job = client.export("json").await;
    let result = client.result(&job).await;
    first.stop().await;

    let second = Errand::up(folder.path(), &[]).await;
    let client = Client::returning(second.address(), "ada@example.com").await;

    assert_eq!(client.get("/v1/tasks").await.json(200)["items"], json!([task]));
    assert_eq!(client.get(result["url"].as_str().unwrap()).await.json(200), json!([task]));
    second.stop().await;
}

#[tokio::test]
async fn tokens_outlive_a_restart() {
    let folder = state_folder();
    let first = Errand::up(folder.path(), &[]).await;
    let client = Client::new(first.address(), "ada@example.com").await;
    first.stop().await;

    let second = Errand::up(folder.path(), &[]).await;
    let client = client.at(second.address());

    client.get("/v1/tasks").await.json(200);
    second.stop().await;
}

#[tokio::test]
async fn fresh_starts_over() {
    let folder = state_folder();
    let first = Errand::up(folder.path(), &[]).await;
    let client = Client::new(first.address(), "ada@example.com").await;
    let job = client.export("csv").await;
    client.result(&job).await;
    first.stop().await;

    let second = Errand::up_with(folder.path(), &["--fresh"], &[]).await;

    let login = Client::anonymous(second.address()).log_in_answer("ada@example.com").await;
    login.problem(401);
    assert!(!folder.path().join("exports").exists());
    second.stop().await;
}

#[tokio::test]
async fn fresh_leaves_alone_what_is_not_its_own() {
    let folder = state_folder();
    fs::write(folder.path().join("thesis.tex"), "years of work").unwrap();

    let errand = Errand::up_with(folder.path(), &["--fresh"], &[]).await;

    assert_eq!(fs::read_to_string(folder.path().join("thesis.tex")).unwrap(), "years of work");
    errand.stop().await;
}

#[tokio::test]
async fn host_and_port_come_from_the_environment_too() {
    let folder = state_folder();

    let errand = Errand::start(folder.path(), &["up"], &[("HOST", "0.0.0.0"), ("PORT", "0")]).until_up().await;

    assert_eq!(errand.address().ip().to_string(), "0.0.0.0");
    Client::anonymous(errand.address()).get("/health/ready").await.json(200);
    errand.stop().await;
}

#[tokio::test]
async fn text_is_for_people() {
    let folder = state_folder();
    let errand = Errand::up(folder.path(), &[("LOG_FORMAT", "text")]).await;

    let shown = errand.stdout().replace(&errand.address().to_string(), "[address]");
    let shown = shown.replace(&errand.database_url(), "[database]");
    let shown = shown.replace(folder.path().canonicalize().unwrap().to_str().unwrap(), "[state]");
    let (_, shown) = shown.split_once(" s\n").unwrap();
    insta::assert_snapshot!(shown, @r"

      API       http://[address]
      OpenAPI   http://[address]/openapi.json
      metrics   http://[address]/metrics
      database  [database]
      queue     none needed: PostgreSQL's NOTIFY
      mail      [state]/mail
      state     [state]

      Ctrl-C stops all of it.
    ");
    assert!(errand.stderr().contains("INFO Errand is up at http://"), "{}", errand.stderr());
    errand.stop().await;
}
