//! `errand jobs retry`.

use super::operator::Operator;
use crate::cli::jobs::RetryArgs;
use anyhow::{bail, ensure};
use scheduler::operations::{Changes, LARGEST_CHANGE, Retried, Retry, RetryFailed};
use shared::ids::JobId;
use std::io::{self, Write as _};

/// How many jobs were looked at, and how many of them were not taken up again.
#[derive(Default)]
struct Tally {
    all: usize,
    not: usize,
}

/// Takes jobs up again, and says of each what became of it.
pub(super) async fn run(arguments: RetryArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let mut tally = Tally::default();
    match arguments.kind {
        Some(kind) => failed(&kind, arguments.limit, operator, &mut tally).await?,
        None => {
            for ids in arguments.ids.chunks(LARGEST_CHANGE) {
                let changes = operator.ask(Retry { ids: ids.to_vec() }).await?;
                tally.print(&changes)?;
            }
        }
    }
    let Tally { all, not } = tally;
    ensure!(not == 0, "{not} of {all} jobs could not be retried");
    Ok(())
}

/// Retries the failed jobs of a kind, until none is left or as many as wanted were looked at.
async fn failed(kind: &str, limit: i64, operator: &mut Operator, tally: &mut Tally) -> anyhow::Result<()> {
    let mut left = limit;
    let mut before: Option<JobId> = None;
    while left > 0 {
        let changes = operator.ask(RetryFailed { kind: kind.to_owned(), before, limit: left }).await?;
        tally.print(&changes)?;
        let Some((last, _)) = changes.jobs.last() else { break };
        before = Some(*last);
        left -= i64::try_from(changes.jobs.len())?;
    }
    Ok(())
}

impl Tally {
    fn print(&mut self, changes: &Changes<Retried>) -> anyhow::Result<()> {
        for (id, retried) in &changes.jobs {
            let said = match retried {
                Retried::Again => "waits for its next attempt".to_owned(),
                Retried::NotFailed(state) if state.is_finished() => format!("has {state} and stays so"),
                Retried::NotFailed(state) => format!("is {state}, and has not ended yet"),
                Retried::Conflict(other) => format!("stays as it is: job {other} has its key, and has not ended yet"),
                Retried::Missing => "is not there".to_owned(),
            };
            self.all += 1;
            self.not += usize::from(*retried != Retried::Again);
            writeln!(io::stdout(), "{id} {said}")?;
        }
        match &changes.broken_off {
            Some(why) => bail!("{why}"),
            None => Ok(()),
        }
    }
}
