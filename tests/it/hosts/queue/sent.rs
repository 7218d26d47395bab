//! What is sent: the id and nothing else, for the right group, at the right time.

use super::{Messages, Queue};
use crate::binaries::{Stack, sample};
use crate::support::postgres;
use aws_sdk_sqs::types::MessageSystemAttributeName;
use serde_json::{Value, json};
use shared::ids::JobId;
use std::collections::BTreeSet;

/// The bodies and groups of the messages that wait.
async fn waiting(queue: &Queue) -> BTreeSet<(String, String)> {
    let request = queue.moto.sqs().receive_message().queue_url(&queue.url).max_number_of_messages(10);
    let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
    let messages = request.send().await.unwrap().messages.unwrap_or_default();
    let group = |message: &aws_sdk_sqs::types::Message| {
        message.attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId].clone()
    };
    messages.iter().map(|message| (message.body().unwrap().to_owned(), group(message))).collect()
}

fn body(job: JobId) -> String {
    json!({ "job": job }).to_string()
}

#[tokio::test]
async fn a_request_tells_of_its_job_in_the_group_of_its_owner() {
    let Some(queue) = Queue::new("sent-request").await else { return };
    let stack = Stack::new().await.with_all(queue.environment());
    let (owner, token) = stack.account().await;
    let mut event = sample("api-export.json");
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    let mut api = stack.start("api").await;

    let answer = api.invoke(&event).await.answer();

    let job: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let expected = (format!(r#"{{"job":{}}}"#, job["id"]), owner.to_string());
    assert_eq!(waiting(&queue).await, BTreeSet::from([expected]));
}

#[tokio::test]
async fn a_tick_tells_of_due_jobs_now_and_of_later_ones_with_the_delay_that_is_left() {
    let Some(queue) = Queue::new("sent-tick").await else { return };
    let stack = Stack::new().await.with_all(queue.environment());
    let (owner, _) = stack.account().await;
    let [due, of_the_system, later] =
        [stack.enqueue_export(owner).await, stack.enqueue_export(owner).await, stack.enqueue_export(owner).await];
    let mut db = stack.db().await;
    postgres::run(&mut db, "update jobs set wake_at = now()").await;
    postgres::run(&mut db, &format!("update jobs set owner_id = null where id = '{of_the_system}'")).await;
    let soon = "run_at = now() + interval '40 s', wake_at = now() + interval '40 s'";
    postgres::run(&mut db, &format!("update jobs set {soon} where id = '{later}'")).await;
    let run_at: f64 = sqlx::query_scalar("select extract(epoch from run_at)::float8 from jobs where id = $1")
        .bind(later)
        .fetch_one(&mut db)
        .await
        .unwrap();
    let mut scheduler = stack.start("scheduler").await;

    let tick = scheduler.invoke(&sample("scheduler-tick.json")).await.answer();

    assert_eq!(tick, json!({ "notified": 3, "rescued": 0, "exhausted": 0, "cancelled": 0, "scheduled": 0 }));
    assert_eq!(queue.messages().await, Messages { visible: 2, delayed: 1, in_flight: 0 });
    let expected = [(body(due), owner.to_string()), (body(of_the_system), "export_tasks".to_owned())];
    assert_eq!(waiting(&queue).await, BTreeSet::from(expected));
    let delayed_until = queue.insides(&body(later)).await[0]["delayed_until"].as_f64().unwrap() / 1000.0;
    assert!((run_at..run_at + 2.0).contains(&delayed_until), "due at {run_at}, visible at {delayed_until}");
}
