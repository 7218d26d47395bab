//! The text that Prometheus reads.

use super::measured;
use crate::support::probe::Probe;
use shared::jobs::KindStats;
use shared::metrics::{BOUNDS, Metrics, prometheus};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The samples by name and labels. Asserts that each line is one, or belongs to the head of one.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut families = BTreeSet::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(families.insert(name), "{name} has two heads");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let family =
                ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
            assert!(families.contains(name) || families.contains(family), "{line} has no head");
            assert!(!series.contains('{') || series.ends_with('}'), "{line}");
            assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "{series} is there twice");
        }
    }
    samples
}

#[tokio::test]
async fn it_has_the_gauges_the_ends_and_the_histograms() {
    let (metrics, app) = measured().await;
    app.enqueue(&Probe::Nothing).await;
    app.enqueue(&Probe::Discard("no".to_owned())).await;
    app.tick().await;
    app.drain().await;

    let samples = parse(&prometheus::text(&metrics));

    let of = |name: &str| samples[name];
    assert!((of(r#"errand_jobs_due{kind="probe"}"#) - 2.0).abs() < f64::EPSILON);
    assert!((of(r#"errand_job_attempts_total{kind="probe",end="succeeded"}"#) - 1.0).abs() < f64::EPSILON);
    assert!((of(r#"errand_job_attempts_total{kind="probe",end="failed"}"#) - 1.0).abs() < f64::EPSILON);
    for histogram in ["errand_job_wait_seconds", "errand_job_run_seconds"] {
        let buckets: Vec<f64> = BOUNDS
            .iter()
            .map(|bound| Duration::from_millis(*bound).as_secs_f64().to_string())
            .chain(["+Inf".to_owned()])
            .map(|bound| of(&format!(r#"{histogram}_bucket{{kind="probe",le="{bound}"}}"#)))
            .collect();
        assert!(buckets.is_sorted(), "{histogram}: {buckets:?}");
        let count = of(&format!(r#"{histogram}_count{{kind="probe"}}"#));
        assert_eq!((buckets.last(), count), (Some(&count), 2.0));
    }
}

#[test]
fn a_kind_cannot_break_out_of_its_label() {
    let metrics = Metrics::default();
    metrics.queue_is(&[KindStats {
        kind: "a\"b\\c\nd".to_owned(),
        version: 1,
        available: 7,
        scheduled: 0,
        running: 0,
        oldest_due: None,
        unsupported: 0,
    }]);

    let samples = parse(&prometheus::text(&metrics));

    assert!((samples[r#"errand_jobs_due{kind="a\"b\\c\nd"}"#] - 7.0).abs() < f64::EPSILON);
}
