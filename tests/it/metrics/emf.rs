//! The lines that CloudWatch reads.

use super::measured;
use crate::support::probe::Probe;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::config::{Environment, LogConfig, LogFormat};
use shared::jobs::{Attempted, End, Observer as _};
use shared::metrics::Metrics;
use shared::metrics::emf::Emf;
use std::collections::BTreeSet;
use std::time::Duration;
use tracing::Level;

const LOG: LogConfig = LogConfig { level: Level::INFO, format: LogFormat::Json };

/// The metrics that a line declares, each of which it has to have.
fn declared(line: &Value) -> BTreeSet<String> {
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&json!("Errand"), &json!([["Environment"]])));
    assert!(line["_aws"]["Timestamp"].is_u64() && line["Environment"].is_string(), "{line}");
    let metrics = directive["Metrics"].as_array().unwrap();
    let names = metrics.iter().map(|metric| metric["Name"].as_str().unwrap().to_owned());
    names.inspect(|name| assert!(line[name].is_number() || line[name].is_array(), "{name}: {line}")).collect()
}

#[tokio::test]
async fn a_line_says_what_is_new_and_no_series_is_per_kind() {
    let (metrics, app) = measured().await;
    let emf = Emf::new(metrics, Environment::Staging, LOG);
    app.enqueue(&Probe::Nothing).await;
    app.enqueue(&Probe::Discard("no".to_owned())).await;
    app.tick().await;
    app.drain().await;

    let lines = emf.lines(&app.clock);
    let nothing_new = emf.lines(&app.clock);

    assert_eq!((lines.len(), nothing_new.len()), (1, 0));
    let line = &lines[0];
    let all = declared(line);
    let expected = [
        "JobsDue",
        "JobsFailed",
        "JobsRescued",
        "JobsRetrying",
        "JobsRunning",
        "JobsScheduled",
        "JobsSucceeded",
        "JobsUnsupported",
        "JobsUnwritten",
        "OldestDueSeconds",
        "Ready",
        "RunSeconds",
        "WaitSeconds",
    ];
    assert_eq!(all, expected.map(str::to_owned).into());
    assert_eq!((&line["JobsDue"], &line["JobsSucceeded"], &line["JobsFailed"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((line["RunSeconds"].as_array().unwrap().len(), &line["Environment"]), (2, &json!("staging")));
    assert_eq!((&line["kinds"]["probe"]["due"], &line["kinds"]["probe"]["failed"]), (&json!(2), &json!(1)));
    assert_eq!(line["log_type"], "metric");
}

#[tokio::test]
async fn a_job_that_the_scheduler_fails_is_in_the_same_metric() {
    let (metrics, app) = measured().await;
    let emf = Emf::new(metrics, Environment::Production, LOG);
    let id = app.enqueue(&Probe::Nothing).await;
    for _ in 0..3 {
        app.worker.runner.claim_alone(id).await.unwrap();
        app.advance(Duration::from_secs(4));
        app.tick().await;
    }

    let line = &emf.lines(&app.clock)[0];

    assert_eq!((&line["JobsFailed"], &line["JobsRescued"]), (&json!(1), &json!(2)));
    assert!(!declared(line).contains("JobsSucceeded"), "no attempt ended in this process");
}

#[test]
fn more_durations_than_a_line_takes_are_spread_over_several() {
    let metrics = Metrics::default();
    for millis in 0..250 {
        let attempt =
            Attempted { kind: "probe", waited: Duration::from_millis(millis), ran: Duration::from_millis(millis * 2) };
        metrics.ended(attempt, End::Succeeded);
    }

    let lines = Emf::new(metrics, Environment::Production, LOG).lines(&Clock::default());

    let lengths: Vec<usize> = lines.iter().map(|line| line["RunSeconds"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [100, 100, 50]);
    let sum: f64 =
        lines.iter().flat_map(|line| line["RunSeconds"].as_array().unwrap()).map(|value| value.as_f64().unwrap()).sum();
    assert!((sum - 62.25).abs() < 0.001, "{sum}");
    assert_eq!(declared(&lines[1]), ["RunSeconds", "WaitSeconds"].map(str::to_owned).into());
}
