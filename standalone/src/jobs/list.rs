//! `errand jobs list`.

use super::operator::Operator;
use crate::cli::jobs::ListArgs;
use crate::table;
use chrono::{DateTime, SecondsFormat, Utc};
use scheduler::operations::List;
use shared::jobs::JobRow;
use std::io::{self, Write as _};

/// Characters of an error that a table shows.
const SHOWN: usize = 60;

const HEADINGS: [&str; 8] = ["ID", "KIND", "STATE", "ATTEMPT", "RUN AT", "FINISHED", "OWNER", "LAST ERROR"];

/// Prints jobs, newest first.
pub(super) async fn run(arguments: ListArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let (jobs, has_more) = collect(&arguments, operator).await?;

    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{:#}", serde_json::to_value(jobs)?)?;
        return Ok(());
    }
    let cells: Vec<[String; 8]> = jobs.iter().map(as_row).collect();
    table::write(&mut out, HEADINGS, &cells)?;
    if has_more {
        writeln!(out, "There are more: --limit shows them.")?;
    }
    Ok(())
}

/// Asks for pages until there are as many jobs as wanted; tells also whether there are more.
async fn collect(arguments: &ListArgs, operator: &mut Operator) -> anyhow::Result<(Vec<JobRow>, bool)> {
    let mut jobs: Vec<JobRow> = Vec::new();
    loop {
        let page = List {
            kind: arguments.kind.clone(),
            state: arguments.state.map(Into::into),
            owner: arguments.owner,
            before: jobs.last().map(|job| job.id),
            limit: arguments.limit - i64::try_from(jobs.len())?,
        };
        let page = operator.ask(page).await?;
        jobs.extend(page.jobs);
        if !page.has_more || i64::try_from(jobs.len())? >= arguments.limit {
            return Ok((jobs, page.has_more));
        }
    }
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
