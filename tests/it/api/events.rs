//! The sample events of `events/`, handed to the functions as the Lambda runtime does. Those of `migrate`, `outbound`
//! and `smoke` are in their own tests.

use crate::support::app::failures;
use crate::support::probe::{Probe, kinds};
use crate::support::{Actor, TestApp};
use ::worker::handle_batch;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use serde_json::{Value, json};
use shared::ids::JobId;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// Loads a sample.
pub fn sample(name: &str) -> Value {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Puts the token of a client into a sample.
pub fn with_token(event: &Value, actor: &Actor<'_>) -> Value {
    serde_json::from_str(&event.to_string().replace("ACCESS_TOKEN", &actor.token)).unwrap()
}

#[test]
fn every_sample_is_loaded_by_a_test_and_described() {
    let tests = concat!(
        include_str!("events.rs"),
        include_str!("../binaries/scheduler.rs"),
        include_str!("../migrate.rs"),
        include_str!("../migrate/rotation.rs"),
        include_str!("../outbound/events.rs"),
        include_str!("../smoke.rs"),
    );
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();

    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let samples: Vec<String> = files.filter(|name| name != "README.md").collect();

    assert!(samples.len() >= 12, "{samples:?}");
    for name in samples {
        assert!(tests.contains(&format!("sample(\"{name}\")")), "no test loads {name}");
        assert!(readme.contains(&format!("| `{name}` |")), "the README does not know {name}");
    }
}

#[tokio::test]
async fn a_get_without_a_body() {
    let app = TestApp::new().await;

    let answer = invoke(&app, sample("api-get-live.json")).await;

    assert_eq!((status(&answer), body(&answer)), (200, json!({ "status": "healthy" })));
    assert_eq!(answer["headers"]["content-type"], "application/json");
}

#[tokio::test]
async fn a_get_with_a_query_and_a_token() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for _ in 0..3 {
        ada.task(json!({})).await;
    }

    let answer = invoke(&app, with_token(&sample("api-get-tasks.json"), &ada)).await;

    assert_eq!(status(&answer), 200);
    assert_eq!(body(&answer), ada.get("/v1/tasks?limit=2").await.json(200));
    let link = answer["headers"]["link"].as_str().unwrap();
    assert!(link.starts_with("</v1/tasks?limit=2&cursor="), "{link}");
}

#[tokio::test]
async fn a_post_with_a_body() {
    let app = TestApp::new().await;

    let answer = invoke(&app, sample("api-register.json")).await;

    assert_eq!((status(&answer), &body(&answer)["email"]), (201, &json!("ada@example.com")));
}

#[tokio::test]
async fn a_post_with_a_body_in_base64() {
    let app = TestApp::new().await;

    let answer = invoke(&app, sample("api-register-base64.json")).await;

    assert_eq!((status(&answer), &body(&answer)["email"]), (201, &json!("grace@example.com")));
    let credentials = json!({ "email": "grace@example.com", "password": "nine lives are enough for a cat" });
    Actor::nobody(&app).post("/v1/auth/login", credentials).await.json(200);
}

#[tokio::test]
async fn a_post_that_starts_a_job_whose_file_comes_as_text() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    ada.task(json!({ "title": "🧺, \"quoted\"" })).await;

    let accepted = invoke(&app, with_token(&sample("api-export.json"), &ada)).await;
    app.drain().await;

    assert_eq!(status(&accepted), 202);
    let id = body(&accepted)["id"].as_str().unwrap().to_owned();
    assert_eq!(accepted["headers"]["location"], format!("/v1/jobs/{id}"));
    let path = format!("/v1/exports/{id}/content");
    let mut event = with_token(&sample("api-get-tasks.json"), &ada);
    event["rawQueryString"] = json!("");
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    let file = invoke(&app, event).await;
    assert_eq!((status(&file), &file["isBase64Encoded"]), (200, &json!(false)));
    assert_eq!(file["body"], ada.get(&path).await.text(200));
}

#[tokio::test]
async fn a_problem_comes_as_text_with_the_id_that_the_gateway_gave() {
    let app = TestApp::new().await;
    let mut event = sample("api-get-tasks.json");
    event["headers"]["x-request-id"] = json!("the-clients-own");

    let answer = invoke(&app, event.clone()).await;

    assert_eq!((status(&answer), &answer["isBase64Encoded"]), (401, &json!(false)));
    assert_eq!(answer["headers"]["content-type"], "application/problem+json");
    assert_eq!(answer["headers"]["x-request-id"], event["requestContext"]["requestId"]);
    assert_eq!(body(&answer)["request_id"], event["requestContext"]["requestId"]);
}

#[tokio::test]
async fn a_batch_whose_jobs_are_done() {
    let app = TestApp::with_kinds(kinds()).await;
    let event = sample("worker-batch.json");
    let jobs = enqueue_named(&app, &event).await;

    let response = batch(&app, event).await;

    assert_eq!(jobs.len(), 3);
    assert_eq!(failures(&response), [""; 0]);
    for job in jobs {
        assert_eq!(app.effects(job).await, 1);
    }
}

#[tokio::test]
async fn a_batch_with_a_record_that_cannot_be_decoded() {
    let app = TestApp::with_kinds(kinds()).await;
    let event = sample("worker-batch-poison.json");
    let jobs = enqueue_named(&app, &event).await;

    let response = batch(&app, event.clone()).await;

    assert_eq!(failures(&response), [event["Records"][1]["messageId"].as_str().unwrap()]);
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        assert_eq!(app.effects(job).await, 1);
    }
}

#[tokio::test]
async fn a_batch_with_a_duplicate() {
    let app = TestApp::with_kinds(kinds()).await;
    let event = sample("worker-batch-duplicate.json");
    let jobs = enqueue_named(&app, &event).await;

    let response = batch(&app, event).await;

    assert_eq!(failures(&response), [""; 0]);
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        assert_eq!(app.effects(job).await, 1);
    }
}

#[tokio::test]
async fn batches_whose_jobs_are_not_there_are_acknowledged() {
    let app = TestApp::new().await;

    for event in [sample("worker-batch.json"), sample("worker-batch-duplicate.json")] {
        assert_eq!(failures(&batch(&app, event).await), [""; 0]);
    }
}

/// The scheduler reads nothing of its event; people do, in its log.
#[test]
fn the_tick_is_what_the_schedule_sends() {
    let template = fs::read_to_string(folder().join("../template.yaml")).unwrap();
    let input = template.lines().map(str::trim).find(|line| line.starts_with("{\"source\":\"errand.tick\"")).unwrap();

    let sent: Value = serde_json::from_str(input).unwrap();
    let tick = sample("scheduler-tick.json");

    assert_eq!(tick["source"], sent["source"]);
    assert!(tick.as_object().unwrap().keys().eq(sent.as_object().unwrap().keys()));
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../events"))
}

/// Hands an event to the API through the adapter of `lambda_http`, as its runtime does.
#[expect(clippy::future_not_send, reason = "the adapter's is not, and its runtime does not send it either")]
async fn invoke(app: &TestApp, event: Value) -> Value {
    let request: LambdaRequest = serde_json::from_str(&event.to_string()).unwrap();
    let adapter = Adapter::from(::api::app(app.api.clone()));
    let answer = adapter.oneshot(LambdaEvent::new(request, Context::default())).await.unwrap();
    serde_json::to_value(answer).unwrap()
}

fn status(answer: &Value) -> u64 {
    answer["statusCode"].as_u64().unwrap()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

/// Writes the jobs that the messages of a batch name.
async fn enqueue_named(app: &TestApp, event: &Value) -> Vec<JobId> {
    let mut jobs: Vec<JobId> = Vec::new();
    for record in event["Records"].as_array().unwrap() {
        let Ok(message) = serde_json::from_str::<Value>(record["body"].as_str().unwrap()) else { continue };
        let job = serde_json::from_value(message["job"].clone()).unwrap();
        if !jobs.contains(&job) {
            let made = app.enqueue(&Probe::Effect).await;
            let rename = sqlx::query("update jobs set id = $1 where id = $2").bind(job).bind(made);
            rename.execute(&mut app.db().await).await.unwrap();
            jobs.push(job);
        }
    }
    jobs
}

async fn batch(app: &TestApp, event: Value) -> SqsBatchResponse {
    let event: SqsEvent = serde_json::from_value(event).unwrap();
    handle_batch(&app.worker, event, Instant::now() + Duration::from_mins(1)).await
}
