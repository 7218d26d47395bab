//! Errors that are reported besides the log: which, what is in them, and that nothing depends on it.

use super::run::batch;
use crate::binaries::{Stack, sample};
use crate::hosts::{Client, Errand, eventually, state_folder};
use crate::support::log::parsed;
use crate::support::postgres;
use crate::support::receiver::{Call, Receiver};
use crate::support::runtime_api::Sandbox;
use actors::{Act, Brief, Deed};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::config::{Environment, SentryConfig};
use shared::jobs::{self, NewJob};
use shared::telemetry::{Dsn, JsonLines, Reports};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tracing_subscriber::layer::SubscriberExt as _;

/// A DSN for whoever listens at an URL.
fn dsn(url: &str) -> String {
    let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    format!("http://abc123@{host}/42")
}

/// The event of an envelope, which is one as the protocol has it.
fn event(call: &Call) -> Value {
    assert_eq!(
        (call.path.as_str(), call.header("content-type")),
        ("/api/42/envelope/", "application/x-sentry-envelope")
    );
    let auth = call.header("x-sentry-auth");
    assert!(auth.starts_with("Sentry sentry_version=7, ") && auth.ends_with("sentry_key=abc123"), "{auth}");
    let lines: Vec<&str> = call.text.split_terminator('\n').collect();
    let [head, item, event] = lines.as_slice() else { panic!("{lines:#?}") };
    let head: Value = serde_json::from_str(head).unwrap();
    let item: Value = serde_json::from_str(item).unwrap();
    assert_eq!(item, json!({ "type": "event", "length": event.len() }));
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["event_id"], head["event_id"]);
    assert_eq!(event["event_id"].as_str().unwrap().len(), 32);
    event
}

fn code(event: &Value) -> &str {
    event["exception"]["values"][0]["type"].as_str().unwrap()
}

/// The API, whose `GET /v1/tasks` meets a mistake of ours, and that request.
async fn broken_api(dsn: &str) -> (Sandbox, Value, String) {
    let stack = Stack::new().await.with("SENTRY_DSN", dsn).with("ENVIRONMENT", "staging");
    let (owner, token) = stack.account().await;
    postgres::run(&mut stack.db().await, "alter table tasks rename to tasks_that_were").await;
    let mut request = sample("api-get-tasks.json");
    request["headers"]["authorization"] = format!("Bearer {token}").into();
    (stack.start("api").await, request, owner.to_string())
}

#[tokio::test]
async fn a_request_that_meets_a_mistake_of_ours_is_reported_before_it_is_answered() {
    let sentry = Receiver::start().await;
    let (mut api, request, owner) = broken_api(&dsn(&sentry.url())).await;

    let answer = api.invoke(&request).await.answer();

    assert_eq!(answer["statusCode"], 500);
    let calls = sentry.calls();
    assert_eq!(calls.len(), 1, "{calls:#?}");
    let event = event(&calls[0]);
    api.idle().await;
    let output = api.output();
    let lines = parsed(output.iter().map(String::as_str));
    let line = lines.iter().find(|line| line["log_type"] == "error").unwrap();
    assert_eq!((code(&event), &event["environment"]), ("request_failed", &json!("staging")));
    assert_eq!(event["exception"]["values"][0]["value"], line["error"]);
    assert_eq!(event["fingerprint"], json!(["request_failed", "/v1/tasks"]));
    assert_eq!(event["release"], concat!("errand@", env!("CARGO_PKG_VERSION")));
    assert_eq!(event["contexts"]["trace"], json!({ "trace_id": line["trace_id"], "span_id": line["span_id"] }));
    assert_eq!(event["tags"]["request.id"], line["request.id"]);
    assert!(!calls[0].text.contains(&owner), "the report says whose request it was: {event}");
    let warm = api.invoke(&sample("api-get-live.json")).await.answer();
    assert_eq!((&warm["statusCode"], sentry.calls().len()), (&json!(200), 1));
}

#[tokio::test]
async fn a_panic_and_a_job_that_fails_for_good_are_reported_with_the_batch() {
    let sentry = Receiver::start().await;
    let stack = Stack::new().await.with("SENTRY_DSN", &dsn(&sentry.url()));
    let mut db = stack.db().await;
    postgres::run(&mut db, "create table slots (id int4, value int4)").await;
    let mut jobs = Vec::new();
    for act in [Act::Quiet, Act::Fails, Act::Panics, Act::Discards] {
        let job = NewJob::new(&Brief(Deed { act, slot: 0 })).unwrap();
        jobs.push(jobs::enqueue(&mut db, job, &Clock::default()).await.unwrap().row.id);
    }
    let mut worker = stack.start("actor").await;

    worker.invoke(&batch(&jobs, &[])).await.answer();

    let events: Vec<Value> = sentry.calls().iter().map(event).collect();
    assert_eq!(events.len(), 2, "{events:#?}");
    let of = |wanted: &str| events.iter().find(|event| code(event) == wanted).unwrap();
    let (panic, failed) = (of("panic"), of("job_failed"));
    assert_eq!((&panic["tags"]["job.id"], &panic["tags"]["job.kind"]), (&json!(jobs[2]), &json!("brief")));
    assert_eq!(panic["fingerprint"], json!(["panic", panic["tags"]["panic.location"]]));
    assert_eq!((&failed["tags"]["job.id"], &failed["fingerprint"]), (&json!(jobs[3]), &json!(["job_failed", "brief"])));
    assert_eq!(failed["exception"]["values"][0]["value"], "it gives up");
}

#[tokio::test]
async fn nobody_at_the_other_end_harms_no_request_and_is_said_once() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (mut api, request, _) = broken_api(&format!("http://abc123@{address}/42")).await;

    for _ in 0..3 {
        let answer = api.invoke(&request).await.answer();
        assert_eq!(answer["statusCode"], 500);
    }

    api.idle().await;
    let output = api.output();
    let lines = parsed(output.iter().map(String::as_str));
    assert_eq!(lines.iter().filter(|line| line["log_type"] == "error").count(), 3);
    let complaints: Vec<&Value> = lines.iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    assert!(complaints[0]["message"].as_str().unwrap().starts_with("Errors could not be reported"), "{complaints:#?}");
    assert!(!output.concat().contains("abc123"), "the key is in the log");
}

#[tokio::test]
async fn who_does_not_answer_is_waited_for_two_seconds_and_then_left_alone() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dsn = format!("http://abc123@{}/42", silent.local_addr().unwrap());
    let (mut api, request, _) = broken_api(&dsn).await;

    let mut took = Vec::new();
    for _ in 0..2 {
        let started = Instant::now();
        assert_eq!(api.invoke(&request).await.answer()["statusCode"], 500);
        took.push(started.elapsed());
    }

    assert!(took[0] >= Duration::from_secs(2), "{took:?}");
    assert!(took[1] < Duration::from_secs(2), "{took:?}");
}

/// Reports of this thread's errors.
fn reporting(url: &str) -> (Reports, tracing::subscriber::DefaultGuard) {
    let config = SentryConfig { dsn: dsn(url).parse().unwrap(), environment: Environment::Production };
    let reports = Reports::to(Some(config));
    let lines = JsonLines::new(std::io::sink).reporting(&reports);
    (reports, tracing::subscriber::set_default(tracing_subscriber::registry().with(lines)))
}

#[tokio::test]
async fn only_errors_are_reported_and_what_looks_like_an_address_is_taken_out() {
    let sentry = Receiver::start().await;
    let (reports, _logging) = reporting(&sentry.url());

    tracing::warn!(error = "none", "A warning");
    tracing::info!("Something happened");
    tracing::error!(
        error.code = "job_failed",
        error = "<ada@example.com>: \"bob@example.org\" is unknown, (eve@example.net) too",
        "Mail to ada@example.com\nfailed"
    );
    reports.flush().await;

    let calls = sentry.calls();
    assert_eq!(calls.len(), 1, "{calls:#?}");
    let event = event(&calls[0]);
    assert!(!calls[0].text.contains("example"), "{event}");
    assert_eq!(event["exception"]["values"][0]["value"], "<[address]>: \"[address]\" is unknown, ([address]) too");
    assert_eq!(event["extra"]["message"], "Mail to [address]\nfailed");
}

#[tokio::test]
async fn of_a_crowd_the_first_are_reported_and_the_rest_is_counted() {
    let sentry = Receiver::start().await;
    let (reports, _logging) = reporting(&sentry.url());

    for number in 0..50 {
        tracing::error!(error.code = "job_failed", "Job {number} failed");
    }
    reports.flush().await;
    reports.flush().await;

    let events: Vec<Value> = sentry.calls().iter().map(event).collect();
    assert_eq!(events.len(), 20);
    assert_eq!((&events[0]["extra"]["message"], &events[0]["extra"]["dropped"]), (&json!("Job 0 failed"), &json!(30)));
}

#[tokio::test]
async fn who_has_enough_gets_no_more_for_a_while() {
    let sentry = Receiver::start().await;
    sentry.answers([429]);
    let (reports, _logging) = reporting(&sentry.url());

    for _ in 0..3 {
        tracing::error!(error.code = "job_failed", "A job failed");
        tracing::error!(error.code = "job_failed", "Another one failed");
        reports.flush().await;
    }

    assert_eq!(sentry.calls().len(), 1);
}

/// With text for eyes, too, in which no line is JSON.
#[tokio::test]
async fn a_process_that_stays_reports_at_once() {
    let sentry = Receiver::start().await;
    let folder = state_folder();
    let variables = [("SENTRY_DSN", dsn(&sentry.url())), ("LOG_FORMAT", "text".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let errand = Errand::up(folder.path(), &variables).await;
    postgres::run(&mut errand.database().await, "alter table users rename to users_that_were").await;

    let credentials = json!({ "email": "ada@example.com", "password": "correct horse battery staple" });
    Client::anonymous(errand.address()).post("/v1/auth/login", credentials).await.problem(500);
    let look = async || sentry.calls().first().map(event);
    let event = eventually("a report", Duration::from_secs(10), look).await;

    assert_eq!((code(&event), &event["tags"]["http.route"]), ("request_failed", &json!("/v1/auth/login")));
    assert_eq!(event["environment"], "development");
    errand.stop().await;
}

#[test]
fn a_dsn_has_a_key_a_host_and_a_project() {
    for text in ["https://key@o1.ingest.sentry.io/2", "https://key:old@sentry.example.com/below/a/path/2"] {
        assert!(text.parse::<Dsn>().is_ok(), "{text}");
    }
    for text in
        ["", "https://o1.ingest.sentry.io/2", "https://key@host/", "https://key@host/project", "ftp://key@host/2"]
    {
        assert!(text.parse::<Dsn>().is_err(), "{text}");
    }
}

#[test]
fn a_bad_dsn_is_refused_and_not_repeated() {
    let variables = |name: &str| match name {
        "SENTRY_DSN" => Some("https://s3cret@nowhere".to_owned()),
        "DATABASE_URL" => Some("postgres://errand@localhost/errand".to_owned()),
        _ => None,
    };

    let refused = scheduler::Config::load(&variables).unwrap_err().to_string();

    assert!(refused.contains("SENTRY_DSN is not a DSN") && !refused.contains("s3cret"), "{refused}");
}
