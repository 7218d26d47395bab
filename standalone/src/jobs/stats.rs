//! `errand jobs stats`.

use super::operator::Operator;
use crate::cli::jobs::StatsArgs;
use crate::table;
use scheduler::operations::{KindCounts, Stats};
use std::io::{self, Write as _};

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

/// Prints the counts of each kind.
pub(super) async fn run(arguments: &StatsArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let kinds = operator.ask(Stats {}).await?;

    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{:#}", serde_json::to_value(kinds)?)?;
    } else {
        let cells: Vec<[String; 9]> = kinds.into_iter().map(as_row).collect();
        table::write(&mut out, HEADINGS, &cells)?;
    }
    Ok(())
}

fn as_row(counts: KindCounts) -> [String; 9] {
    [
        counts.kind,
        counts.available.to_string(),
        counts.oldest_due_s.map_or_else(|| "-".to_owned(), |age| format!("{:.0} s", age.floor())),
        counts.unsupported.to_string(),
        counts.scheduled.to_string(),
        counts.running.to_string(),
        counts.succeeded_24h.to_string(),
        counts.failed_24h.to_string(),
        counts.cancelled_24h.to_string(),
    ]
}
