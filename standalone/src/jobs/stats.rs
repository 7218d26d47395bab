//! `errand jobs stats`.

use super::Operator;
use crate::cli::jobs::StatsArgs;
use crate::table;
use serde_json::{Value, json};
use shared::jobs::{self, EndedStats, KindStats};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

/// How far back ends are counted.
const DAY: Duration = Duration::from_hours(24);

const HEADINGS: [&str; 9] = [
    "KIND",
    "AVAILABLE",
    "OLDEST DUE",
    "UNSUPPORTED",
    "SCHEDULED",
    "RUNNING",
    "SUCCEEDED 24H",
    "FAILED 24H",
    "CANCELLED 24H",
];

/// What is known of one kind.
#[derive(Default)]
struct Row {
    available: i64,
    oldest_due: Option<Duration>,
    unsupported: i64,
    scheduled: i64,
    running: i64,
    succeeded: i64,
    failed: i64,
    cancelled: i64,
}

/// Prints the counts of each kind.
pub(super) async fn run(arguments: &StatsArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let unfinished = jobs::stats(&mut operator.connection, &operator.clock).await?;
    let ended = jobs::stats_ended(&mut operator.connection, DAY, &operator.clock).await?;
    let rows = by_kind(unfinished, ended);

    let mut out = io::stdout().lock();
    if arguments.json {
        let items: Vec<Value> = rows.iter().map(|(kind, row)| as_json(kind, row)).collect();
        writeln!(out, "{:#}", Value::Array(items))?;
    } else {
        let cells: Vec<[String; 9]> = rows.iter().map(|(kind, row)| as_row(kind, row)).collect();
        table::write(&mut out, HEADINGS, &cells)?;
    }
    Ok(())
}

/// Puts both together; versions of a payload are not told apart.
fn by_kind(unfinished: Vec<KindStats>, ended: Vec<EndedStats>) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for stats in unfinished {
        let row = rows.entry(stats.kind).or_default();
        row.available += stats.available;
        row.oldest_due = row.oldest_due.max(stats.oldest_due);
        row.unsupported += stats.unsupported;
        row.scheduled += stats.scheduled;
        row.running += stats.running;
    }
    for stats in ended {
        let row = rows.entry(stats.kind).or_default();
        row.succeeded = stats.succeeded;
        row.failed = stats.failed;
        row.cancelled = stats.cancelled;
    }
    rows
}

fn as_json(kind: &str, row: &Row) -> Value {
    json!({
        "kind": kind,
        "available": row.available,
        "oldest_due_s": row.oldest_due.map(|age| age.as_secs_f64()),
        "unsupported": row.unsupported,
        "scheduled": row.scheduled,
        "running": row.running,
        "succeeded_24h": row.succeeded,
        "failed_24h": row.failed,
        "cancelled_24h": row.cancelled,
    })
}

fn as_row(kind: &str, row: &Row) -> [String; 9] {
    let oldest_due = row.oldest_due.map_or_else(|| "-".to_owned(), |age| format!("{} s", age.as_secs()));
    let counts = [row.unsupported, row.scheduled, row.running, row.succeeded, row.failed, row.cancelled];
    let [unsupported, scheduled, running, succeeded, failed, cancelled] = counts.map(|count| count.to_string());
    [
        kind.to_owned(),
        row.available.to_string(),
        oldest_due,
        unsupported,
        scheduled,
        running,
        succeeded,
        failed,
        cancelled,
    ]
}
