//! `worker`: batches of SQS in, done jobs and the messages to deliver again out.

use super::{Stack, sample};
use crate::hosts::{eventually, slow_down, speed_up};
use crate::support::postgres;
use crate::support::runtime_api::Invocation;
use serde_json::{Value, json};
use shared::ids::JobId;
use std::time::Duration;

/// Puts real jobs into the records of a sample, in order; a record whose body cannot be read keeps it.
fn with_jobs(name: &str, jobs: &[JobId]) -> Value {
    let mut event = sample(name);
    let mut jobs = jobs.iter();
    for record in event["Records"].as_array_mut().unwrap() {
        if serde_json::from_str::<Value>(record["body"].as_str().unwrap()).is_ok() {
            record["body"] = json!({ "job": jobs.next().unwrap() }).to_string().into();
        }
    }
    assert_eq!(jobs.next(), None);
    event
}

fn done() -> (String, i32, i64) {
    ("succeeded".to_owned(), 1, 1)
}

#[tokio::test]
async fn a_batch_is_done_and_acknowledged() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let jobs =
        [stack.enqueue_export(owner).await, stack.enqueue_export(owner).await, stack.enqueue_export(owner).await];
    let mut worker = stack.start("worker").await;

    let answer = worker.invoke(&with_jobs("worker-batch.json", &jobs)).await.answer();

    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    for job in jobs {
        assert_eq!(stack.job(job).await, done());
    }
}

#[tokio::test]
async fn only_the_record_that_cannot_be_read_is_delivered_again() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let jobs = [stack.enqueue_export(owner).await, stack.enqueue_export(owner).await];
    let event = with_jobs("worker-batch-poison.json", &jobs);
    let mut worker = stack.start("worker").await;

    let answer = worker.invoke(&event).await.answer();

    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": event["Records"][1]["messageId"] }] }));
    for job in jobs {
        assert_eq!(stack.job(job).await, done());
    }
}

#[tokio::test]
async fn a_duplicate_runs_once_in_a_batch_and_over_warm_invocations() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let (twice, once) = (stack.enqueue_export(owner).await, stack.enqueue_export(owner).await);
    let event = with_jobs("worker-batch-duplicate.json", &[twice, twice, once]);
    let mut worker = stack.start("worker").await;

    for _ in 0..2 {
        let answer = worker.invoke(&event).await.answer();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }

    assert_eq!(stack.job(twice).await, done());
    assert_eq!(stack.job(once).await, done());
}

#[tokio::test]
async fn messages_of_no_job_are_acknowledged() {
    let stack = Stack::new().await;
    let mut worker = stack.start("worker").await;

    let answer = worker.invoke(&sample("worker-batch.json")).await.answer();

    assert_eq!(answer, json!({ "batchItemFailures": [] }));
}

#[tokio::test]
async fn without_a_database_the_whole_batch_is_delivered_again() {
    let stack = Stack::new().await.with("DATABASE_URL", "postgres://errand@127.0.0.1:9/errand");
    let event = sample("worker-batch.json");
    let mut worker = stack.start("worker").await;

    let answer = worker.invoke(&event).await.answer();

    let messages = event["Records"].as_array().unwrap().iter();
    let all: Vec<Value> = messages.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
    assert_eq!(answer, json!({ "batchItemFailures": all }));
}

#[tokio::test]
async fn what_does_not_fit_the_time_that_is_left_fails_its_attempt_in_time() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let job = stack.enqueue_export(owner).await;
    slow_down(&mut stack.db().await, 15.0).await;
    let mut worker = stack.start("worker").await.deadline(Duration::from_secs(5));

    let answer = worker.invoke(&with_jobs("worker-batch-poison.json", &[job, JobId::new()])).await;

    let Invocation::Answer(answer) = answer else { panic!("{answer:?}") };
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1);
    assert_eq!(stack.job(job).await, ("available".to_owned(), 1, 0));
}

#[tokio::test]
async fn a_killed_workers_job_is_rescued_and_done_once_by_another() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let job = stack.enqueue_export(owner).await;
    let event = json!({ "Records": [{ "messageId": "1", "body": json!({ "job": job }).to_string() }] });
    let mut db = stack.db().await;
    slow_down(&mut db, 10.0).await;
    let mut killed = stack.start("worker").await;
    {
        let running = async {
            eventually("the job runs", Duration::from_secs(20), async || {
                (stack.job(job).await.0 == "running").then_some(())
            })
            .await;
        };
        tokio::select! {
            ended = killed.invoke(&event) => panic!("{ended:?}"),
            () = running => {}
        }
    }

    killed.kill().await;
    speed_up(&mut db).await;
    let mut other = stack.start("worker").await;
    let mut scheduler = stack.start("scheduler").await;
    assert_eq!(other.invoke(&event).await.answer(), json!({ "batchItemFailures": [] }));
    assert_eq!(stack.job(job).await.0, "running", "the lease is not over");
    // In the place of a minute's wait.
    postgres::run(&mut db, "update jobs set wake_at = now()").await;
    let tick = scheduler.invoke(&sample("scheduler-tick.json")).await.answer();
    let answer = other.invoke(&event).await.answer();

    assert_eq!(tick, json!({ "notified": 1, "rescued": 1, "exhausted": 0, "cancelled": 0, "scheduled": 0 }));
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_eq!(stack.job(job).await, ("succeeded".to_owned(), 2, 1));
    let error: Value = sqlx::query_scalar("select errors -> 0 -> 'error' from jobs").fetch_one(&mut db).await.unwrap();
    assert_eq!(error, "the attempt was abandoned: its lease ran out");
}
