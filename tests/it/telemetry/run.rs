//! The lines of real processes, from their start to their end.

use super::dictionary::check;
use crate::binaries::{Stack, sample};
use crate::support::log::parsed;
use crate::support::postgres;
use crate::support::runtime_api::Sandbox;
use actors::{Act, Brief, Deed};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::ids::{JobId, OwnerId};
use shared::jobs::{self, NewJob, Payload};

/// Everything that a process wrote, to both of its outputs; checked.
async fn written(function: &Sandbox) -> Vec<Value> {
    function.idle().await;
    let output = function.output();
    let lines = parsed(output.iter().map(String::as_str));
    check(&lines);
    lines
}

/// The only line that has this value.
fn only<'a>(lines: &'a [Value], field: &str, value: &str) -> &'a Value {
    let found: Vec<&Value> = lines.iter().filter(|line| line[field] == value).collect();
    assert_eq!(found.len(), 1, "{field}={value}: {lines:#?}");
    found[0]
}

/// A batch of messages for jobs, and of others with these bodies.
pub fn batch(jobs: &[JobId], bodies: &[&str]) -> Value {
    let bodies = jobs.iter().map(|job| json!({ "job": job }).to_string()).chain(bodies.iter().copied().map(Into::into));
    let record = |(index, body): (usize, String)| json!({ "messageId": index.to_string(), "body": body });
    json!({ "Records": bodies.enumerate().map(record).collect::<Vec<_>>() })
}

#[tokio::test]
async fn of_requests() {
    let stack = Stack::new().await;
    let (owner, token) = stack.account().await;
    let mut api = stack.start("api").await;
    let mut event = sample("api-get-tasks.json");
    api.invoke(&event).await.answer();
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    api.invoke(&event).await.answer();
    postgres::run(&mut stack.db().await, "alter table tasks rename to tasks_that_were").await;
    api.invoke(&event).await.answer();

    let lines = written(&api).await;

    let access: Vec<&Value> = lines.iter().filter(|line| line["log_type"] == "access").collect();
    let statuses: Vec<(&Value, &Value)> = access.iter().map(|line| (&line["http.status"], &line["user.id"])).collect();
    let owner = json!(owner);
    assert_eq!(statuses, [(&json!(401), &Value::Null), (&json!(200), &owner), (&json!(500), &owner)]);
    for line in access {
        assert_eq!((&line["http.method"], &line["http.route"]), (&json!("GET"), &json!("/v1/tasks")));
        assert_eq!(line["request.id"], event["requestContext"]["requestId"]);
        assert!(line["duration_ms"].is_u64(), "{line}");
    }
    let error = only(&lines, "log_type", "error");
    assert_eq!((&error["error.code"], &error["user.id"]), (&json!("request_failed"), &owner));
    assert_eq!(error["http.route"], "/v1/tasks");
    assert!(error["error"].as_str().unwrap().contains("tasks"), "{error}");
}

#[tokio::test]
async fn of_a_batch_with_a_panic_a_failure_and_a_message_that_is_none() {
    let stack = Stack::new().await;
    let mut db = stack.db().await;
    postgres::run(&mut db, "create table slots (id int4, value int4)").await;
    let mut jobs = Vec::new();
    for act in [Act::Quiet, Act::Panics, Act::Discards] {
        jobs.push(enqueue(&mut db, &Brief(Deed { act, slot: 0 }), None).await);
    }
    let mut worker = stack.start("actor").await;

    worker.invoke(&batch(&jobs, &["no job"])).await.answer();

    let lines = written(&worker).await;
    let panic = only(&lines, "error.code", "panic");
    assert_eq!((&panic["job.id"], &panic["job.kind"]), (&json!(jobs[1]), &json!("brief")));
    assert_eq!(panic["error"], "attempt 1 panics");
    assert!(panic["panic.location"].as_str().unwrap().starts_with("tests/actors/src/deeds.rs:"), "{panic}");
    let failed = only(&lines, "error.code", "job_failed");
    assert_eq!((&failed["job.id"], &failed["job.kind"]), (&json!(jobs[2]), &json!("brief")));
    assert_eq!((&failed["error"], &failed["job.attempt"]), (&json!("it gives up"), &json!(1)));
    let unreadable = only(&lines, "error.code", "message_unreadable");
    assert_eq!((&unreadable["message.id"], &unreadable["log_type"]), (&json!("3"), &json!("error")));
    let access = only(&lines, "log_type", "access");
    assert_eq!((&access["batch.records"], &access["jobs.succeeded"]), (&json!(4), &json!(1)));
}

#[tokio::test]
async fn of_the_lines_of_a_job_each_has_its_owner() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let mut db = stack.db().await;
    postgres::run(&mut db, "create table slots (id int4, value int4)").await;
    let job = enqueue(&mut db, &Brief(Deed { act: Act::Fails, slot: 0 }), Some(owner)).await;
    let mut worker = stack.start("actor").await;

    worker.invoke(&batch(&[job], &[])).await.answer();

    let lines = written(&worker).await;
    let warning = only(&lines, "level", "WARN");
    assert_eq!((&warning["job.id"], &warning["user.id"]), (&json!(job), &json!(owner)));
    assert_eq!((&warning["log_type"], &warning["job.max_attempts"]), (&json!("application"), &json!(25)));
}

#[tokio::test]
async fn of_the_worker_with_metrics() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let job = stack.enqueue_export(owner).await;
    let mut worker = stack.start("worker").await;

    worker.invoke(&batch(&[job], &[])).await.answer();

    let lines = written(&worker).await;
    assert_eq!(only(&lines, "log_type", "metric")["JobsSucceeded"], 1);
    assert_eq!(only(&lines, "log_type", "access")["jobs.run"], 1);
}

#[tokio::test]
async fn of_ticks_with_and_without_a_database() {
    let stack = Stack::new().await;
    let mut scheduler = stack.start("scheduler").await;
    scheduler.invoke(&sample("scheduler-tick.json")).await.answer();
    let stack = stack.with("DATABASE_URL", "postgres://errand@127.0.0.1:9/errand");
    let mut without = stack.start("scheduler").await;
    without.invoke(&sample("scheduler-tick.json")).await;

    let (lines, without) = (written(&scheduler).await, written(&without).await);

    let metrics = only(&lines, "log_type", "metric");
    assert_eq!((&metrics["JobsDue"], &metrics["Ready"]), (&json!(0), &json!(1)));
    let metrics = only(&without, "log_type", "metric");
    assert_eq!((&metrics["JobsDue"], &metrics["Ready"]), (&Value::Null, &json!(0)));
    assert_eq!(only(&without, "log_type", "error")["target"], "lambda_runtime::layers::panic");
}

#[tokio::test]
async fn of_a_migration_that_fails() {
    let stack = Stack::new().await;
    postgres::run(&mut stack.db().await, "delete from _sqlx_migrations where version > 20261121080000").await;
    let mut migrate = stack.start("migrate").await;
    migrate.invoke(&json!({})).await;

    let lines = written(&migrate).await;

    let error = only(&lines, "log_type", "error");
    assert!(error["message"].as_str().unwrap().contains("already exists"), "{error}");
}

async fn enqueue<P: Payload + Sync>(db: &mut sqlx::PgConnection, payload: &P, owner: Option<OwnerId>) -> JobId {
    let job = NewJob::new(payload).unwrap();
    let job = owner.map_or(job.clone(), |owner| job.owned_by(owner));
    jobs::enqueue(db, job, &Clock::default()).await.unwrap().row.id
}
