//! One trace id from a request to the last call that comes of it.

use crate::api::webhooks::webhook;
use crate::support::moto::config;
use crate::support::probe::{Probe, kinds};
use crate::support::receiver::Receiver;
use crate::support::{Actor, Answer, Log, TestApp};
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::aws::Sdk;
use shared::ids::JobId;
use shared::jobs::{NewJob, Notifier, SqsNotifier};
use shared::trace::Trace;
use std::collections::BTreeSet;
use std::sync::Arc;

const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0c5902c7";

fn traceparent() -> String {
    format!("00-{ID}-{PARENT}-01")
}

/// Sends a request with these headers.
async fn send(ada: &Actor<'_>, app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    request = request.header("authorization", format!("Bearer {}", ada.token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(json!({ "format": "csv" }).to_string())).unwrap()).await
}

/// The trace and the span of the only access line.
fn access(log: &Log) -> (String, String) {
    let lines = log.lines();
    let access: Vec<&Value> = lines.iter().filter(|line| line["log_type"] == "access").collect();
    assert_eq!(access.len(), 1, "{lines:#?}");
    let text = |name: &str| access[0][name].as_str().unwrap_or_else(|| panic!("no {name}: {}", access[0])).to_owned();
    (text("trace_id"), text("span_id"))
}

async fn trace_of(app: &TestApp, job: JobId) -> Option<String> {
    let select = "select trace_context from jobs where id = $1";
    sqlx::query_scalar(select).bind(job).fetch_one(&mut app.db().await).await.unwrap()
}

#[test]
fn a_traceparent_is_read_and_written() {
    let trace = Trace::from_traceparent(&traceparent()).unwrap();

    assert_eq!((trace.to_string(), trace.id().to_string()), (traceparent(), ID.to_owned()));
    assert_eq!(trace.span_id().to_string(), PARENT);
    let child = trace.child().to_string();
    assert!(child.starts_with(&format!("00-{ID}-")) && !child.contains(PARENT), "{child}");
    let not_sampled = traceparent().replace("-01", "-00");
    assert_eq!(Trace::from_traceparent(&not_sampled).unwrap().to_string(), not_sampled);
    // A later version may add fields and flags.
    let later = format!("cc-{ID}-{PARENT}-09-what-the-future-will-be-like");
    assert_eq!(Trace::from_traceparent(&later).unwrap().to_string(), traceparent());
}

#[test]
fn what_is_no_traceparent_is_not_read() {
    let zeros = ("0".repeat(32), "0".repeat(16));
    for text in [
        "",
        "00",
        ID,
        &format!("ff-{ID}-{PARENT}-01"),
        &format!("0-{ID}-{PARENT}-01"),
        &format!("00-{}-{PARENT}-01", zeros.0),
        &format!("00-{ID}-{}-01", zeros.1),
        &format!("00-{}-{PARENT}-01", ID.to_uppercase()),
        &format!("00-{ID}0-{PARENT}-01"),
        &format!("00-{ID}-{PARENT}"),
        &format!("00-{ID}-{PARENT}-1"),
        &format!("00-{ID}-{PARENT}-01-more"),
        &format!("00-{ID}-{PARENT}-01 "),
        &format!("00-+{}-{PARENT}-01", &ID[1..]),
    ] {
        assert_eq!(Trace::from_traceparent(text), None, "{text}");
    }
}

/// The example of AWS: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html>.
#[test]
fn the_ids_of_x_ray_are_those_of_w3c_with_other_punctuation() {
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    let trace = Trace::from_xray(header).unwrap();

    assert_eq!(trace.to_string(), "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
    assert_eq!(trace.to_xray(), header);
    let root = Trace::from_xray("Root=1-5759e988-bd862e3fe1be46a994272793").unwrap();
    assert_eq!(root.id().to_string(), "5759e988bd862e3fe1be46a994272793");
    for text in ["", "Sampled=1", "Root=1-5759e988", "Root=2-5759e988-bd862e3fe1be46a994272793", "Root=1-0-0"] {
        assert_eq!(Trace::from_xray(text), None, "{text}");
    }
}

#[tokio::test]
async fn a_request_goes_on_with_the_trace_that_it_names() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";
    let parent = traceparent();
    for (headers, id) in [
        (vec![("traceparent", parent.as_str())], Some(ID)),
        (vec![("x-amzn-trace-id", xray)], Some("5759e988bd862e3fe1be46a994272793")),
        (vec![("traceparent", parent.as_str()), ("x-amzn-trace-id", xray)], Some(ID)),
        (vec![("traceparent", "nonsense"), ("x-amzn-trace-id", xray)], Some("5759e988bd862e3fe1be46a994272793")),
        (vec![("traceparent", parent.as_str()), ("traceparent", parent.as_str())], None),
        (vec![("traceparent", "nonsense")], None),
        (vec![], None),
    ] {
        let log = Log::begin();

        send(&ada, &app, Method::GET, "/v1/tasks", &headers).await;

        let (trace, span) = access(&log);
        assert!(trace.len() == 32 && span.len() == 16, "{trace} {span}");
        assert!(span != PARENT && span != "53995c3f42cd8ad8", "{headers:?}: the span is the caller's");
        match id {
            Some(id) => assert_eq!(trace, id, "{headers:?}"),
            None => assert!(trace != ID && !log.text().contains("nonsense"), "{headers:?}: {trace}"),
        }
    }
}

#[tokio::test]
async fn a_request_its_job_the_job_of_that_and_its_call_have_one_trace() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    webhook(&ada, &receiver.url(), &["export.finished"]).await;
    let log = Log::begin();

    let accepted = send(&ada, &app, Method::POST, "/v1/exports", &[("traceparent", &traceparent())]).await.json(202);
    let ends = app.drain().await;

    let export: JobId = accepted["id"].as_str().unwrap().parse().unwrap();
    let delivery = ends.iter().map(|(job, _)| *job).find(|job| *job != export).expect("no delivery");
    let (trace, span) = access(&log);
    assert_eq!(trace, ID);
    assert_eq!(trace_of(&app, export).await.unwrap(), format!("00-{ID}-{span}-01"));
    let of_delivery = trace_of(&app, delivery).await.unwrap();
    assert!(of_delivery.starts_with(&format!("00-{ID}-")) && !of_delivery.contains(&span), "{of_delivery}");
    let lines = log.lines();
    let call: Vec<&Value> = lines.iter().filter(|line| line["job.id"] == json!(delivery)).collect();
    assert!(!call.is_empty(), "no line of the delivery: {lines:#?}");
    assert!(call.iter().all(|line| line["trace_id"] == ID), "{call:#?}");
    let header = receiver.calls()[0].header("traceparent").to_owned();
    assert_eq!(header, format!("00-{ID}-{}-01", call[0]["span_id"].as_str().unwrap()));
    let spans: BTreeSet<&str> = [PARENT, &span, &of_delivery[36..52], &header[36..52]].into();
    assert_eq!(spans.len(), 4, "a request and two attempts have spans of their own: {spans:?}");
}

#[tokio::test]
async fn all_attempts_of_a_job_have_its_trace() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let log = Log::begin();
    let trace = Trace::from_traceparent(&traceparent()).unwrap();
    let traced = trace.scope(app.enqueue(&Probe::RetryIn(1))).await;
    let alone = app.enqueue(&Probe::RetryIn(1)).await;

    app.batch(&[traced, alone]).await;
    app.advance(std::time::Duration::from_secs(2));
    app.drain().await;

    let lines = log.lines();
    let own = alone.0.simple().to_string();
    for (job, id) in [(traced, ID), (alone, own.as_str())] {
        let failed = lines.iter().filter(|line| line["job.id"] == json!(job) && line["level"] == "WARN");
        let of_attempts: Vec<(&Value, &Value)> = failed.map(|line| (&line["job.attempt"], &line["trace_id"])).collect();
        assert_eq!(of_attempts, [(&json!(1), &json!(id)), (&json!(2), &json!(id))], "{lines:#?}");
    }
    assert_eq!(trace_of(&app, alone).await, None);
}

#[tokio::test]
async fn many_jobs_of_one_call_have_one_trace_and_none_without() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let jobs = || [1, 2, 3].map(|_| NewJob::new(&Probe::Nothing).unwrap()).to_vec();
    let trace = Trace::from_traceparent(&traceparent()).unwrap();
    let mut db = app.db().await;

    let traced = trace.scope(shared::jobs::enqueue_many(&mut db, jobs(), &app.clock)).await.unwrap();
    let untraced = shared::jobs::enqueue_many(&mut db, jobs(), &app.clock).await.unwrap();

    for (traced, untraced) in traced.iter().zip(&untraced) {
        assert_eq!(trace_of(&app, traced.row.id).await.unwrap(), traceparent());
        assert_eq!(traced.notice.as_ref().unwrap().trace, Some(trace));
        assert_eq!((trace_of(&app, untraced.row.id).await, untraced.notice.as_ref().unwrap().trace), (None, None));
    }
}

#[tokio::test]
async fn a_notice_of_the_scheduler_has_the_trace_of_the_row() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let trace = Trace::from_traceparent(&traceparent()).unwrap();
    let job = trace.scope(app.enqueue(&Probe::Nothing)).await;
    app.advance(std::time::Duration::from_mins(10));

    let woken = shared::jobs::wake(&mut app.db().await, 10, std::time::Duration::ZERO, &app.clock).await.unwrap();

    let notices: Vec<_> = woken.notices.iter().map(|notice| (notice.job, notice.trace)).collect();
    assert_eq!(notices, [(job, Some(trace))]);
}

/// X-Ray reads it there, and so joins the worker's invocation to the request's.
#[tokio::test]
async fn a_message_has_the_trace_where_x_ray_looks_for_it() {
    let queue = Receiver::start().await;
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let sdk = Arc::new(Sdk::from(config(&queue.url())));
    let notifier = Notifier::Sqs(SqsNotifier::new(sdk, "https://sqs.eu-central-1.amazonaws.com/123456789012/errand"));
    let trace = Trace::from_traceparent(&traceparent()).unwrap();
    let new = || NewJob::new(&Probe::Nothing).unwrap();
    let traced = trace.scope(app.enqueue_new(new())).await;
    let alone = app.enqueue_new(new()).await;

    notifier.notify([traced.notice.unwrap(), alone.notice.unwrap()]).await;

    let body = queue.calls()[0].body();
    let header = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": trace.to_xray() } });
    let entries = body["Entries"].as_array().unwrap();
    let sent: Vec<&Value> = entries.iter().map(|entry| &entry["MessageSystemAttributes"]).collect();
    assert_eq!(sent, [&header, &Value::Null]);
}
