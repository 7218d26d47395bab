//! Exports in a bucket: written in parts, downloaded by presigned URL. The bucket is moto's.

use crate::hosts::{Client, Errand, state_folder, write_tasks};
use crate::support::moto::moto;
use axum::http::Method;

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

/// A client without an account of ours, such as a browser that follows the link.
fn plain_http() -> reqwest::Client {
    shared::tls::install();
    #[expect(clippy::disallowed_methods, reason = "loopback: whatever hangs there is found by the test's own limit")]
    reqwest::Client::builder().no_proxy().build().unwrap()
}
