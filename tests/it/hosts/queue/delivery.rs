//! From the queue to the end of the job.

use super::{Host, Messages, Queue};
use crate::binaries::enqueue_export;
use crate::hosts::{eventually, slow_down, write_tasks};
use serde_json::json;
use shared::ids::JobId;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn look_at(job: JobId) -> String {
    json!({ "job": job }).to_string()
}

#[tokio::test]
async fn an_export_goes_through_the_queue() {
    let Some(queue) = Queue::new("delivery-export").await else { return };
    let host = Host::up(&queue).await;
    host.client.post("/v1/tasks", json!({ "title": "Travel" })).await.json(201);

    let job = host.client.export("csv").await;
    let result = host.client.result(&job).await;

    assert_eq!(result["rows"], 1);
    queue.has(Messages::default()).await;
    let started = Instant::now();
    host.errand.stop().await;
    assert!(started.elapsed() < Duration::from_secs(10), "a stop does not wait for the long poll");
}

#[tokio::test]
async fn a_job_that_is_told_of_several_times_runs_once() {
    let Some(queue) = Queue::new("delivery-duplicates").await else { return };
    let mut host = Host::up(&queue).await;
    let job = enqueue_export(&mut host.db, host.client.owner.unwrap()).await;

    let body = look_at(job);
    queue.send(&[body.as_str(); 5]).await;
    host.client.result(&job.to_string()).await;
    queue.send(&[body.as_str(); 2]).await;
    queue.has(Messages::default()).await;

    let row: (i32, i32, i64) = sqlx::query_as("select attempt, epoch, (select count(*) from exports) from jobs")
        .fetch_one(&mut host.db)
        .await
        .unwrap();
    assert_eq!(row, (1, 2, 1));
    host.errand.stop().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_comes_back_soon_and_holds_nobody_up() {
    let Some(queue) = Queue::new("delivery-poison").await else { return };
    let mut host = Host::up(&queue).await;
    let owner = host.client.owner.unwrap();
    let (first, second) = (enqueue_export(&mut host.db, owner).await, enqueue_export(&mut host.db, owner).await);

    let poison = r#"{"job":"delivery-poison"#;
    queue.send(&[&look_at(first), poison, &look_at(second)]).await;
    host.client.result(&first.to_string()).await;
    host.client.result(&second.to_string()).await;

    queue.has(Messages { in_flight: 1, ..Messages::default() }).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seen = queue.insides(poison).await;
    let visible_at = seen.iter().map(|message| message["visible_at"].as_f64().unwrap() / 1000.0);
    let soonest = visible_at.filter_map(|at| Duration::from_secs_f64(at).checked_sub(now)).min().unwrap();
    assert!((Duration::from_secs(10)..=Duration::from_secs(30)).contains(&soonest), "in {soonest:?}: {seen:?}");
    host.errand.says("cannot be read").await;
    host.errand.stop().await;
}

#[tokio::test]
async fn a_message_of_no_job_is_done_with() {
    let Some(queue) = Queue::new("delivery-unknown").await else { return };
    let host = Host::up(&queue).await;

    queue.send(&[&look_at(JobId::new())]).await;

    host.errand.says("Batch of 1 messages done").await;
    queue.has(Messages::default()).await;
    host.errand.stop().await;
}

#[tokio::test]
async fn a_job_that_a_stop_interrupts_goes_back_to_the_queue() {
    let Some(queue) = Queue::new("delivery-stop").await else { return };
    let mut host = Host::up(&queue).await;
    write_tasks(&mut host.db, host.client.owner.unwrap(), 100_000).await;
    slow_down(&mut host.db, 1.0).await;
    let job = host.client.export("csv").await;
    eventually("the job runs", Duration::from_secs(20), async || {
        let job = host.client.get(&format!("/v1/jobs/{job}")).await.json(200);
        (job["state"] == "running").then_some(())
    })
    .await;

    host.errand.stop().await;

    let row: (String, i32) = sqlx::query_as("select state, attempt from jobs").fetch_one(&mut host.db).await.unwrap();
    assert_eq!(row, ("available".to_owned(), 0));
    // The first message is done with, and a second one sent. The long poll that the stop cut short may take it.
    let messages = queue.messages().await;
    assert_eq!(messages.visible + messages.in_flight, 1, "{messages:?}");
}
