//! `errand jobs show`.

use super::operator::Operator;
use crate::cli::jobs::ShowArgs;
use anyhow::bail;
use scheduler::operations::Show;
use serde_json::Value;
use std::io::{self, Write as _};

/// Columns in the order in which they are read best; others follow.
const FIRST: [&str; 10] = [
    "id",
    "kind",
    "version",
    "owner_id",
    "state",
    "cancel_requested",
    "attempt",
    "max_attempts",
    "crashes",
    "progress",
];

/// Columns that are long, and come last.
const LAST: [&str; 4] = ["payload", "checkpoint", "result", "errors"];

/// Prints everything of a job's row.
pub(super) async fn run(arguments: &ShowArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let Some(row) = operator.ask(Show { id: arguments.id }).await? else {
        bail!("there is no job {}", arguments.id);
    };
    let mut out = io::stdout().lock();
    match row {
        Value::Object(columns) if !arguments.json => {
            let is_between = |name: &&str| !FIRST.contains(name) && !LAST.contains(name);
            let between = columns.keys().map(String::as_str).filter(is_between);
            let names: Vec<&str> = FIRST.into_iter().chain(between).chain(LAST).collect();
            let width = names.iter().map(|name| name.len()).max().unwrap_or_default();
            for name in names {
                let shown = columns.get(name).map(as_text).unwrap_or_default();
                // Further lines stand below the first one.
                let shown = shown.replace('\n', &format!("\n{:width$}  ", ""));
                writeln!(out, "{name:width$}  {shown}")?;
            }
        }
        row => writeln!(out, "{row:#}")?,
    }
    Ok(())
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        // A text with control characters is shown as JSON, which writes them out.
        Value::String(text) if !text.contains(char::is_control) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        value => format!("{value:#}"),
    }
}
