//! The queue is gone: jobs are kept, and start when it is back.

use super::{Host, Messages, Queue};
use crate::support::postgres;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn jobs_are_taken_while_the_queue_is_gone_and_start_when_it_is_back() {
    // A long poll whose connection was cut may still take a message: it comes back when its time is over.
    let Some(queue) = Queue::with_visibility("outage", 2).await else { return };
    let mut host = Host::up(&queue).await;
    queue.relay.cut(true);

    let started = Instant::now();
    let job = host.client.export("csv").await;
    let took = started.elapsed();

    assert!(took < Duration::from_secs(9), "{took:?}");
    let health = host.client.get("/health").await.json(200);
    assert_eq!(
        health,
        json!({
            "status": "degraded",
            "components": { "database": "healthy", "queue": "degraded", "secrets": "healthy" },
        })
    );
    assert_eq!(host.client.get("/health/ready").await.json(200), json!({ "status": "degraded" }));
    assert_eq!(host.client.get(&format!("/v1/jobs/{job}")).await.json(200)["state"], "available");

    queue.relay.cut(false);
    // The scheduler tells of it again when its grace is over.
    postgres::run(&mut host.db, "update jobs set wake_at = now()").await;
    host.client.result(&job).await;

    queue.has(Messages::default()).await;
    assert_eq!(host.client.get("/health").await.json(200)["status"], "healthy");
    host.errand.stop().await;
}
