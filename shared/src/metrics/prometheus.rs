//! The instruments as Prometheus reads them: text format 0.0.4.

use super::{Buckets, Depth, Metrics, Tally};
use crate::jobs::End;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

/// The content type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

type Gauge = (&'static str, &'static str, fn(&Depth) -> f64);

#[expect(clippy::cast_precision_loss, reason = "there are not 2^52 jobs")]
const GAUGES: [Gauge; 5] = [
    ("errand_jobs_due", "Jobs that are due and wait for a worker.", |depth| depth.due as f64),
    ("errand_jobs_scheduled", "Jobs that wait for their time.", |depth| depth.scheduled as f64),
    ("errand_jobs_running", "Jobs that run.", |depth| depth.running as f64),
    ("errand_jobs_oldest_due_seconds", "How long the oldest job that waits for a worker is due.", |depth| {
        depth.oldest_due_s
    }),
    ("errand_jobs_unsupported", "Jobs that are due and that no worker runs.", |depth| depth.unsupported as f64),
];

/// Writes all instruments of this process.
#[must_use]
pub fn text(metrics: &Metrics) -> String {
    let snapshot = metrics.snapshot();
    let mut text = Text::default();
    for (name, help, value) in GAUGES {
        text.head(name, help, "gauge");
        for (kind, depth) in &snapshot.depths {
            text.line(name, "", &[("kind", kind)], value(depth));
        }
    }
    if snapshot.readiness.looks > 0 {
        text.head("errand_ready", "Whether requests can be served: 1 or 0.", "gauge");
        text.line("errand_ready", "", &[], u8::from(snapshot.readiness.is_ready));
    }
    let name = "errand_job_attempts_total";
    text.head(name, "Attempts of jobs by how they ended.", "counter");
    for (kind, tally) in &snapshot.tallies {
        for end in End::ALL {
            text.line(name, "", &[("kind", kind), ("end", end.name())], tally.count(end));
        }
    }
    let waited = "How long jobs had been due when an attempt was claimed.";
    text.histogram("errand_job_wait_seconds", waited, &snapshot.tallies, |tally| &tally.waited);
    text.histogram("errand_job_run_seconds", "How long attempts ran.", &snapshot.tallies, |tally| &tally.ran);
    for (name, help, count) in [
        ("errand_jobs_rescued_total", "Abandoned attempts whose jobs were made available again.", snapshot.rescued),
        (
            "errand_jobs_exhausted_total",
            "Jobs that failed because their last attempt was abandoned.",
            snapshot.exhausted,
        ),
        ("errand_jobs_pruned_total", "Finished jobs that were deleted.", snapshot.pruned),
    ] {
        text.head(name, help, "counter");
        text.line(name, "", &[], count);
    }
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing into a string cannot fail.
        let _written = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        self.0.push_str(suffix);
        for (index, (label, of)) in labels.iter().enumerate() {
            let _written = write!(self.0, "{}{label}=\"{}\"", if index == 0 { '{' } else { ',' }, escaped(of));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _written = writeln!(self.0, " {value}");
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        tallies: &BTreeMap<String, Tally>,
        of: impl Fn(&Tally) -> &Buckets,
    ) {
        self.head(name, help, "histogram");
        for (kind, tally) in tallies {
            let buckets = of(tally);
            for (bound, count) in buckets.cumulative() {
                let bound = bound.as_secs_f64().to_string();
                self.line(name, "_bucket", &[("kind", kind), ("le", &bound)], count);
            }
            self.line(name, "_bucket", &[("kind", kind), ("le", "+Inf")], buckets.count());
            self.line(name, "_sum", &[("kind", kind)], buckets.sum());
            self.line(name, "_count", &[("kind", kind)], buckets.count());
        }
    }
}

/// A kind is whatever somebody wrote into a row.
fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
