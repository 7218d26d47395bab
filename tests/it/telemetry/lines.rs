//! Single lines: what is in them, in which order, and that nothing an author or a client writes makes them another.

use crate::support::Log;
use serde_json::{Value, json};
use std::error::Error;
use tracing::field::Empty;

/// The only line of a log, without the time, which differs.
fn only_line(log: &Log) -> Value {
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let mut line = lines[0].clone();
    assert!(line.as_object_mut().unwrap().remove("timestamp").is_some());
    line
}

#[test]
fn a_line_begins_with_what_every_line_has_and_ends_with_where_it_is_from() {
    let log = Log::begin();

    tracing::info!(jobs = 3, error = "none", "Three {}", "jobs");

    let text = log.text();
    let (time, rest) = text.split_at(r#"{"timestamp":"2026-11-21T08:53:19.461496Z""#.len());
    let time = time.strip_prefix(r#"{"timestamp":""#).unwrap().strip_suffix('"').unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
    assert_eq!(
        rest,
        concat!(
            r#","level":"INFO","log_type":"application","message":"Three jobs","jobs":3,"error":"none","#,
            r#""target":"it::telemetry::lines"}"#,
            "\n"
        )
    );
}

#[test]
fn the_level_decides_the_type_unless_the_line_says_its_own() {
    let log = Log::begin();

    tracing::error!("one");
    tracing::warn!("two");
    tracing::info!(log_type = "access", "three");

    let types: Vec<Value> = log.lines().iter().map(|line| line["log_type"].clone()).collect();
    assert_eq!(types, ["error", "application", "access"]);
}

#[test]
fn texts_stay_texts() {
    let log = Log::begin();
    let text = "\"quotes\" \\ a\nnew line\r\t\u{0}\u{1b}[31m\u{7f}\u{2028} {\"level\":\"ERROR\"} é 漢 🦀";

    tracing::info!(error = text, shown = %text, debugged = ?text, "{text}");

    let line = only_line(&log);
    assert_eq!(log.text().lines().count(), 1, "{}", log.text());
    assert_eq!((&line["error"], &line["shown"], &line["message"]), (&json!(text), &json!(text), &json!(text)));
    assert_eq!(line["debugged"], format!("{text:?}"));
}

#[test]
fn numbers_stay_numbers_and_what_json_cannot_say_is_null() {
    let log = Log::begin();

    tracing::info!(
        signed = -7_i64,
        large = u64::MAX,
        half = 0.5,
        yes = true,
        no_number = f64::NAN,
        endless = f64::INFINITY,
        absent = None::<u64>,
        "Numbers"
    );

    let line = only_line(&log);
    assert_eq!(
        line,
        json!({
            "level": "INFO",
            "log_type": "application",
            "message": "Numbers",
            "signed": -7,
            "large": u64::MAX,
            "half": 0.5,
            "yes": true,
            "no_number": null,
            "endless": null,
            "target": "it::telemetry::lines",
        })
    );
}

#[test]
fn an_error_is_logged_with_what_caused_it() {
    let log = Log::begin();
    let error = anyhow::anyhow!("the disk is full").context("the file could not be written");

    tracing::warn!(error = &*error as &dyn Error, "Something went wrong");

    assert_eq!(only_line(&log)["error"], "the file could not be written: the disk is full");
}

#[test]
fn of_several_fields_of_one_name_the_innermost_counts() {
    let log = Log::begin();
    let outer = tracing::info_span!("outer", request.id = "r", jobs = 1, error = Empty);
    let inner = tracing::info_span!(parent: &outer, "inner", job.id = "j", jobs = 2);
    outer.record("error", "of the outer");

    inner.in_scope(|| tracing::info!(jobs = 3, level = "mine", target = "mine", "Nested"));
    outer.in_scope(|| tracing::info!("Not nested"));

    let lines = log.lines();
    for (field, nested, flat) in [
        ("jobs", json!(3), json!(1)),
        ("request.id", json!("r"), json!("r")),
        ("error", json!("of the outer"), json!("of the outer")),
        ("job.id", json!("j"), Value::Null),
        ("level", json!("INFO"), json!("INFO")),
        ("target", json!("it::telemetry::lines"), json!("it::telemetry::lines")),
    ] {
        assert_eq!((&lines[0][field], &lines[1][field]), (&nested, &flat), "{field}");
    }
    for line in log.text().lines() {
        for name in ["jobs", "error", "level", "target", "request.id"] {
            assert_eq!(line.matches(&format!("\"{name}\":")).count(), 1, "{name}: {line}");
        }
    }
}

#[test]
fn a_field_that_is_recorded_again_has_its_latest_value_once() {
    let log = Log::begin();
    let span = tracing::info_span!("span", jobs = 1, job.kind = "probe");

    span.record("jobs", 2);
    span.record("jobs", 3);
    span.in_scope(|| tracing::info!("Recorded"));

    let line = only_line(&log);
    assert_eq!((&line["jobs"], &line["job.kind"]), (&json!(3), &json!("probe")));
    assert_eq!(log.text().matches("\"jobs\":").count(), 1);
}
