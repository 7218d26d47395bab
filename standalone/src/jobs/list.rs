//! `errand jobs list`.

use super::Operator;
use crate::cli::jobs::ListArgs;
use crate::table;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use shared::jobs::{self, Filter, JobRow};
use std::io::{self, Write as _};

/// Characters of an error that a table shows.
const SHOWN: usize = 60;

const HEADINGS: [&str; 8] = ["ID", "KIND", "STATE", "ATTEMPT", "RUN AT", "FINISHED", "OWNER", "LAST ERROR"];

/// Prints jobs, newest first.
pub(super) async fn run(arguments: ListArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let filter = Filter { kind: arguments.kind, state: arguments.state.map(Into::into) };
    let one_more = arguments.limit + 1;
    let mut rows = jobs::page_any(&mut operator.connection, arguments.owner, &filter, None, one_more).await?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);

    let mut out = io::stdout().lock();
    if arguments.json {
        let items: Vec<Value> = rows.iter().map(as_json).collect();
        writeln!(out, "{:#}", Value::Array(items))?;
        return Ok(());
    }
    let cells: Vec<[String; 8]> = rows.iter().map(as_row).collect();
    table::write(&mut out, HEADINGS, &cells)?;
    if has_more {
        writeln!(out, "There are more: --limit shows them.")?;
    }
    Ok(())
}

fn as_json(job: &JobRow) -> Value {
    json!({
        "id": job.id,
        "kind": job.kind,
        "owner_id": job.owner_id,
        "state": job.state,
        "cancel_requested": job.cancel_requested,
        "priority": job.priority,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "progress": job.progress,
        "result": job.result,
        "errors": job.errors,
        "run_at": job.run_at,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    })
}

fn as_row(job: &JobRow) -> [String; 8] {
    let owner = job.owner_id.map_or_else(|| "-".to_owned(), |owner| owner.to_string());
    let state = if job.cancel_requested && !job.state.is_finished() {
        format!("{}, to be cancelled", job.state)
    } else {
        job.state.to_string()
    };
    [
        job.id.to_string(),
        job.kind.clone(),
        state,
        format!("{}/{}", job.attempt, job.max_attempts),
        written(job.run_at),
        job.finished_at.map_or_else(|| "-".to_owned(), written),
        owner,
        job.errors.last().map(|last| one_line(&last.error)).unwrap_or_default(),
    ]
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The beginning of a text, without what would break a table, or a terminal.
pub(super) fn one_line(text: &str) -> String {
    let harmless = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut shown: String = harmless.clone().take(SHOWN).collect();
    if harmless.count() > SHOWN {
        shown.push('…');
    }
    shown
}
