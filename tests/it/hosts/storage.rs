//! Files in a bucket: exports written in parts and downloaded by presigned URL, imports uploaded by one. The bucket is
//! moto's.

use crate::hosts::{Client, Errand, eventually, state_folder, write_tasks};
use crate::support::moto::{Moto, moto};
use crate::support::postgres;
use axum::http::Method;
use serde_json::json;
use shared::clock::Clock;
use shared::exports::ExpireExports;
use shared::jobs::{self, NewJob};
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn an_export_is_written_to_the_bucket_and_fetched_from_there() {
    let Some(moto) = moto().await else { return };
    let state = state_folder();
    let errand = up_with_bucket(moto, "finished-exports", state.path()).await;
    let client = Client::new(errand.address(), "ada@example.com").await;
    // More than one part of a multipart upload.
    write_tasks(&mut errand.database().await, client.owner.unwrap(), 30_000).await;

    let job = client.export("csv").await;
    let result = client.result(&job).await;
    let redirect = client.send(Method::GET, result["url"].as_str().unwrap(), None).await.unwrap();

    assert_eq!(redirect.status, 303);
    let file = plain_http().get(redirect.header("location")).send().await.unwrap();
    assert_eq!(file.status(), 200);
    let file = file.bytes().await.unwrap();
    assert_eq!(result["bytes"], file.len());
    assert!(file.len() > 5 * 1024 * 1024, "{} bytes are one part only", file.len());
    assert_eq!(csv::Reader::from_reader(&*file).records().map(Result::unwrap).count(), 30_000);
}

/// One of the files is gone before: the bucket's own rule takes them too.
#[tokio::test]
async fn exports_that_are_too_old_are_deleted_from_the_bucket() {
    let Some(moto) = moto().await else { return };
    let state = state_folder();
    let errand = up_with_bucket(moto, "old-exports", state.path()).await;
    let client = Client::new(errand.address(), "ada@example.com").await;
    let mut db = errand.database().await;
    let mut links = Vec::new();
    for _ in 0..2 {
        let job = client.export("json").await;
        let result = client.result(&job).await;
        let redirect = client.send(Method::GET, result["url"].as_str().unwrap(), None).await.unwrap();
        links.push(redirect.header("location").to_owned());
    }
    let status = async |link: &String| plain_http().get(link).send().await.unwrap().status().as_u16();
    assert_eq!((status(&links[0]).await, status(&links[1]).await), (200, 200));
    let one = "insert into exports select gen_random_uuid(), owner_id, 'gone', content_type, 0, 0, created_at
               from exports limit 1";
    postgres::run(&mut db, "alter table exports drop constraint exports_job").await;
    postgres::run(&mut db, one).await;

    let expire = NewJob::new(&ExpireExports { finished_before: Clock::default().now() }).unwrap();
    jobs::enqueue(&mut db, expire, &Clock::default()).await.unwrap();
    eventually("the exports are gone", Duration::from_mins(1), async || {
        let left: i64 = sqlx::query_scalar("select count(*) from exports").fetch_one(&mut db).await.unwrap();
        (left == 0).then_some(())
    })
    .await;

    assert_eq!((status(&links[0]).await, status(&links[1]).await), (404, 404));
}

#[tokio::test]
async fn a_file_is_uploaded_to_the_bucket_and_imported_from_there() {
    let Some(moto) = moto().await else { return };
    let bucket = "files-to-import";
    let state = state_folder();
    let errand = up_with_bucket(moto, bucket, state.path()).await;
    let client = Client::new(errand.address(), "ada@example.com").await;
    // More than one part of what is read at once.
    let row = format!("a task,\"{}\"\n", "so much to do ".repeat(100));
    let file = "title,description\n".to_owned() + &row.repeat(2_000);

    let upload = client.post("/v1/uploads", json!({})).await.json(201);
    let early = client.post("/v1/imports", json!({ "upload_id": upload["id"], "format": "csv" })).await;
    let sent = plain_http().put(upload["url"].as_str().unwrap()).body(file).send().await.unwrap();
    let import = client.post("/v1/imports", json!({ "upload_id": upload["id"], "format": "csv" })).await.json(202);
    let from_upload = client.result(import["id"].as_str().unwrap()).await;
    let from_body = client.post("/v1/imports", json!([{ "title": "a task" }])).await.json(202);
    let from_body = client.result(from_body["id"].as_str().unwrap()).await;

    assert_eq!((&upload["method"], &upload["headers"]), (&json!("PUT"), &json!({})));
    assert!(upload["url"].as_str().unwrap().starts_with(&moto.endpoint), "{upload}");
    assert_eq!(sent.status(), 200);
    assert_eq!(early.refused(), ["upload_id: not_allowed"]);
    assert_eq!(from_upload, json!({ "rows": 2_000, "imported": 2_000, "refused": 0 }));
    assert_eq!(from_body, json!({ "rows": 1, "imported": 1, "refused": 0 }));
    let list = plain_http().get(format!("{}/{bucket}?list-type=2", moto.endpoint)).send().await.unwrap();
    assert!(list.text().await.unwrap().contains("<KeyCount>0</KeyCount>"));
}

/// Starts `errand` with a bucket of this name for its files.
async fn up_with_bucket(moto: &Moto, bucket: &str, state: &Path) -> Errand {
    let made = plain_http().put(format!("{}/{bucket}", moto.endpoint)).send().await.unwrap();
    assert!(made.status().is_success(), "{made:?}");
    let variables = moto.environment();
    let mut environment: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.extend([("EXPORT_BUCKET", bucket), ("AWS_ALLOW_HTTP", "true")]);
    Errand::up(state, &environment).await
}

/// A client without an account of ours, such as a browser that follows the link.
pub fn plain_http() -> reqwest::Client {
    shared::tls::install();
    #[expect(clippy::disallowed_methods, reason = "loopback: whatever hangs there is found by the test's own limit")]
    reqwest::Client::builder().no_proxy().build().unwrap()
}
