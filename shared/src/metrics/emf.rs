//! The instruments as CloudWatch reads them: log lines in its embedded metric format.
//!
//! Each metric costs money by the month, so these are totals: `docs/logging.md` counts them. What belongs to one kind of
//! job stands in the same lines as plain fields, for queries over the log.

use super::{Depth, Metrics, Snapshot, Tally};
use crate::clock::Clock;
use crate::config::{Environment, LogConfig, LogFormat};
use crate::jobs::End;
use crate::telemetry;
use serde_json::{Map, Value, json};
use std::sync::{Mutex, PoisonError};

/// The namespace in CloudWatch.
const NAMESPACE: &str = "Errand";

/// Values that one metric may have in one line.
const VALUES: usize = 100;

/// Writes the metrics of a function: after each invocation, what is new since the one before.
#[derive(Debug)]
pub struct Emf {
    metrics: Metrics,
    environment: Environment,
    is_on: bool,
    last: Mutex<Snapshot>,
}

impl Emf {
    /// Writes these instruments under the name of this environment, if the log is JSON.
    #[must_use]
    pub fn new(metrics: Metrics, environment: Environment, log: LogConfig) -> Self {
        Self { metrics, environment, is_on: log.format == LogFormat::Json, last: Mutex::default() }
    }

    /// Writes what is new to the log.
    pub fn write(&self, clock: &Clock) {
        if !self.is_on {
            return;
        }
        for line in self.lines(clock) {
            telemetry::write_line(&line.to_string());
        }
    }

    /// Returns what is new since the last call: nothing, a line, or more when a line cannot hold all durations.
    #[must_use]
    pub fn lines(&self, clock: &Clock) -> Vec<Value> {
        let (now, before) = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.metrics.snapshot();
            (now.clone(), std::mem::replace(&mut *last, now))
        };
        let mut first = Line::default();
        let mut kinds = Map::new();
        if now.readiness.looks > before.readiness.looks {
            first.metric("Ready", "Count", u8::from(now.readiness.is_ready).into());
        }
        if now.reads > before.reads {
            first.queue(&now, &mut kinds);
        }
        // Jobs fail in the worker and in the scheduler, which finds them abandoned: one metric.
        let mut failed = now.exhausted - before.exhausted;
        let mut all = Tally::default();
        for (kind, tally) in &now.tallies {
            let new = before.tallies.get(kind).map_or_else(|| tally.clone(), |before| tally.since(before));
            all.add(&new);
            for end in End::ALL.into_iter().filter(|end| new.count(*end) > 0) {
                of_kind(&mut kinds, kind, end.name(), new.count(end).into());
            }
        }
        failed += all.count(End::Failed);
        let ran = all.ran.count() > 0;
        if ran {
            first.metric("JobsSucceeded", "Count", all.count(End::Succeeded).into());
            first.metric("JobsRetrying", "Count", all.count(End::Retrying).into());
            first.metric("JobsUnwritten", "Count", all.count(End::Unwritten).into());
        }
        if ran || now.reads > before.reads || failed > 0 {
            first.metric("JobsFailed", "Count", failed.into());
        }
        let rescued = now.rescued - before.rescued;
        if now.reads > before.reads || rescued > 0 {
            first.metric("JobsRescued", "Count", rescued.into());
        }
        first.0.extend((!kinds.is_empty()).then(|| (String::from("kinds"), "", Value::Object(kinds))));

        let (waited, ran): (Vec<f64>, Vec<f64>) = (all.waited.values().collect(), all.ran.values().collect());
        let mut lines = vec![first];
        for (index, (waited, ran)) in waited.chunks(VALUES).zip(ran.chunks(VALUES)).enumerate() {
            if index > 0 {
                lines.push(Line::default());
            }
            if let Some(line) = lines.last_mut() {
                line.metric("WaitSeconds", "Seconds", json!(waited));
                line.metric("RunSeconds", "Seconds", json!(ran));
            }
        }
        lines.retain(|line| !line.0.is_empty());
        lines.into_iter().map(|line| line.finish(self.environment, clock)).collect()
    }
}

/// The fields of a line: name, unit, value. What has no unit is no metric.
#[derive(Default)]
struct Line(Vec<(String, &'static str, Value)>);

impl Line {
    fn metric(&mut self, name: &str, unit: &'static str, value: Value) {
        self.0.push((name.to_owned(), unit, value));
    }

    fn queue(&mut self, now: &Snapshot, kinds: &mut Map<String, Value>) {
        let mut total = Depth::default();
        for (kind, depth) in &now.depths {
            total.add(depth);
            for (name, count) in [("due", depth.due), ("scheduled", depth.scheduled), ("running", depth.running)] {
                of_kind(kinds, kind, name, count.into());
            }
            of_kind(kinds, kind, "oldest_due_s", depth.oldest_due_s.into());
            of_kind(kinds, kind, "unsupported", depth.unsupported.into());
        }
        self.metric("JobsDue", "Count", total.due.into());
        self.metric("JobsScheduled", "Count", total.scheduled.into());
        self.metric("JobsRunning", "Count", total.running.into());
        self.metric("JobsUnsupported", "Count", total.unsupported.into());
        self.metric("OldestDueSeconds", "Seconds", total.oldest_due_s.into());
    }

    fn finish(self, environment: Environment, clock: &Clock) -> Value {
        let metrics: Vec<Value> = self
            .0
            .iter()
            .filter(|(_, unit, _)| !unit.is_empty())
            .map(|(name, unit, _)| json!({ "Name": name, "Unit": unit }))
            .collect();
        let now = clock.now();
        let mut line = json!({
            "_aws": {
                "Timestamp": now.timestamp_millis(),
                "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["Environment"]], "Metrics": metrics }],
            },
            "Environment": environment.name(),
            "timestamp": now,
            "level": "INFO",
            "log_type": "metric",
            "message": "Metrics",
        });
        if let Some(fields) = line.as_object_mut() {
            fields.extend(self.0.into_iter().map(|(name, _, value)| (name, value)));
        }
        line
    }
}

fn of_kind(kinds: &mut Map<String, Value>, kind: &str, name: &str, value: Value) {
    let fields = kinds.entry(kind).or_insert_with(|| json!({}));
    if let Some(fields) = fields.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
