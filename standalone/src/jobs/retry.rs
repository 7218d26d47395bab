//! `errand jobs retry`.

use super::Operator;
use crate::cli::jobs::RetryArgs;
use anyhow::ensure;
use shared::ids::JobId;
use shared::jobs::{self, Filter, Notice, Retry, State};
use std::io::{self, Write as _};

/// Jobs that are looked up at once.
const PAGE: i64 = 500;

/// Takes jobs up again, and tells workers.
pub(super) async fn run(arguments: RetryArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let ids = match arguments.kind {
        Some(kind) => failed(kind, arguments.limit, operator).await?,
        None => arguments.ids,
    };
    let mut notices = Vec::new();
    let retried = retry(&ids, &mut notices, operator).await;
    // Also of those that came before a failure.
    let again = notices.len();
    operator.notifier.notify(notices).await;
    retried?;
    let not = ids.len() - again;
    ensure!(not == 0, "{not} of {} jobs could not be retried", ids.len());
    Ok(())
}

/// The failed jobs of a kind.
async fn failed(kind: String, limit: i64, operator: &mut Operator) -> anyhow::Result<Vec<JobId>> {
    let filter = Filter { kind: Some(kind), state: Some(State::Failed) };
    let mut ids = Vec::new();
    let mut left = limit;
    while left > 0 {
        let asked = left.min(PAGE);
        let page = jobs::page_any(&mut operator.connection, None, &filter, ids.last().copied(), asked).await?;
        let found = i64::try_from(page.len()).unwrap_or(asked);
        ids.extend(page.into_iter().map(|job| job.id));
        left = if found < asked { 0 } else { left - found };
    }
    Ok(ids)
}

async fn retry(ids: &[JobId], notices: &mut Vec<Notice>, operator: &mut Operator) -> anyhow::Result<()> {
    for id in ids {
        let said = match jobs::retry(&mut operator.connection, None, *id, &operator.clock).await? {
            Retry::Again(enqueued) => {
                notices.extend(enqueued.notice);
                "waits for its next attempt".to_owned()
            }
            Retry::NotFailed(job) if job.state.is_finished() => format!("has {} and stays so", job.state),
            Retry::NotFailed(job) => format!("is {}, and has not ended yet", job.state),
            Retry::Conflict(other) => format!("stays as it is: job {other} has its key, and has not ended yet"),
            Retry::Missing => "is not there".to_owned(),
        };
        writeln!(io::stdout(), "{id} {said}")?;
    }
    Ok(())
}
