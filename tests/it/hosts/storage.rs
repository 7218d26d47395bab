//! Exports in a bucket: written in parts, downloaded by presigned URL. The bucket is moto's.

use crate::hosts::{Client, Errand, eventually, state_folder, write_tasks};
use crate::support::moto::moto;
use crate::support::postgres;
use axum::http::Method;
use shared::clock::Clock;
use shared::exports::ExpireExports;
use shared::jobs::{self, NewJob};
use std::time::Duration;

#[tokio::test]
async fn an_export_is_written_to_the_bucket_and_fetched_from_there() {
    let Some(moto) = moto().await else { return };
    let bucket = "finished-exports";
    let made = plain_http().put(format!("{}/{bucket}", moto.endpoint)).send().await.unwrap();
    assert!(made.status().is_success(), "{made:?}");
    let state = state_folder();
    let variables = moto.environment();
    let mut environment: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.extend([("EXPORT_BUCKET", bucket), ("AWS_ALLOW_HTTP", "true")]);
    let errand = Errand::up(state.path(), &environment).await;
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
    let bucket = plain_http().put(format!("{}/old-exports", moto.endpoint)).send().await.unwrap();
    assert!(bucket.status().is_success());
    let state = state_folder();
    let variables = moto.environment();
    let mut environment: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.extend([("EXPORT_BUCKET", "old-exports"), ("AWS_ALLOW_HTTP", "true")]);
    let errand = Errand::up(state.path(), &environment).await;
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

/// A client without an account of ours, such as a browser that follows the link.
fn plain_http() -> reqwest::Client {
    shared::tls::install();
    #[expect(clippy::disallowed_methods, reason = "loopback: whatever hangs there is found by the test's own limit")]
    reqwest::Client::builder().no_proxy().build().unwrap()
}
