//! Imports of any size: streamed to the folder and from it, with little memory.

use super::memory::{MEMORY_LIMIT_KIB, forget_peak, kib};
use crate::hosts::storage::plain_http;
use crate::hosts::{Client, Errand, eventually, say, state_folder};
use crate::support::postgres;
use serde_json::json;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const TASKS: i64 = 100_000;

#[tokio::test]
async fn a_hundred_thousand_tasks_are_uploaded_and_imported_in_little_memory() {
    let folder = state_folder();
    let url = postgres::database().await;
    let errand = Errand::up(folder.path(), &[("DATABASE_URL", &url)]).await;
    let client = Client::new(errand.address(), "ada@example.com").await;
    let small = client.post("/v1/imports", json!([{ "title": "small" }])).await.json(202);
    client.result(small["id"].as_str().unwrap()).await;
    let Some(idle) = kib(errand.pid(), "VmRSS:") else {
        return say("hosts::up::imports: NOT MEASURED: this system tells nothing about the memory of processes");
    };
    let mut file = "title,description,tags\n".to_owned();
    for number in 0..TASKS {
        let description = "So much to do, and so little time. ".repeat(6);
        writeln!(file, "Task {number},\"{description}\",\"[\"\"home\"\", \"\"garden\"\"]\"").unwrap();
    }
    let bytes = file.len();

    forget_peak(errand.pid());
    let started = Instant::now();
    let upload = client.post("/v1/uploads", json!({})).await.json(201);
    let authorization = upload["headers"]["authorization"].as_str().unwrap();
    let request = plain_http().put(upload["url"].as_str().unwrap()).header("authorization", authorization);
    let sent = request.body(file).send().await.unwrap();
    let uploaded = started.elapsed();
    let import = client.post("/v1/imports", json!({ "upload_id": upload["id"], "format": "csv" })).await.json(202);
    let path = format!("/v1/jobs/{}", import["id"].as_str().unwrap());
    let result = eventually("the import is done", Duration::from_mins(5), async || {
        let job = client.get(&path).await.json(200);
        (job["state"] == "succeeded").then(|| job["result"].clone())
    })
    .await;
    let more = kib(errand.pid(), "VmHWM:").unwrap().saturating_sub(idle);

    say(&format!(
        "hosts::up::imports: {TASKS} tasks of {bytes} bytes: uploaded in {uploaded:.1?}, imported after {:.1?}; {more} KiB \
         above the idle {idle} KiB",
        started.elapsed(),
    ));
    assert_eq!(sent.status(), 200);
    assert_eq!(result, json!({ "rows": TASKS, "imported": TASKS, "refused": 0 }));
    assert!(more < MEMORY_LIMIT_KIB, "{more} KiB");
    errand.stop().await;
}
