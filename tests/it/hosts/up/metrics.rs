//! `GET /metrics`: on a laptop, or where it was asked for.

use crate::hosts::{Client, Errand, eventually, state_folder};
use std::time::Duration;

#[tokio::test]
async fn the_page_shows_the_attempts_of_this_process() {
    let folder = state_folder();
    let errand = Errand::up(folder.path(), &[]).await;
    let client = Client::new(errand.address(), "ada@example.com").await;
    let job = client.export("csv").await;
    client.result(&job).await;

    let sample = r#"errand_job_attempts_total{kind="export_tasks",end="succeeded"} 1"#;
    let page = eventually("the attempt is counted", Duration::from_secs(10), async || {
        let page = Client::anonymous(errand.address()).get("/metrics").await;
        String::from_utf8_lossy(&page.body).contains(sample).then_some(page)
    })
    .await;

    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(client.get("/v1/tasks").await.status, 200);
    errand.stop().await;
}

#[tokio::test]
async fn in_production_it_is_there_only_when_asked_for() {
    let folder = state_folder();
    let hidden = Errand::up(folder.path(), &[("ENVIRONMENT", "production")]).await;
    let not_there = Client::anonymous(hidden.address()).get("/metrics").await;
    hidden.stop().await;

    let shown = Errand::up(folder.path(), &[("ENVIRONMENT", "production"), ("METRICS", "on")]).await;
    let there = Client::anonymous(shown.address()).get("/metrics").await;
    shown.stop().await;

    assert_eq!((not_there.status, there.status), (404, 200));
}
