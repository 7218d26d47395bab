//! `errand jobs cancel`.

use super::Operator;
use crate::cli::jobs::CancelArgs;
use anyhow::ensure;
use shared::jobs::{self, Cancel, State};
use std::io::{self, Write as _};

/// Calls jobs off. Nobody has to be told: the worker of one that runs learns of it with its next heartbeat.
pub(super) async fn run(arguments: &CancelArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let mut not = 0;
    for id in &arguments.ids {
        let said = match jobs::cancel(&mut operator.connection, None, *id, &operator.clock).await? {
            Cancel::Cancelled(_) => "is cancelled".to_owned(),
            Cancel::Requested(_) => "runs, and is asked to stop".to_owned(),
            Cancel::Finished(job) if job.state == State::Cancelled => "was cancelled before".to_owned(),
            Cancel::Finished(job) => {
                not += 1;
                format!("has {} already", job.state)
            }
            Cancel::Missing => {
                not += 1;
                "is not there".to_owned()
            }
        };
        writeln!(io::stdout(), "{id} {said}")?;
    }
    ensure!(not == 0, "{not} of {} jobs could not be cancelled", arguments.ids.len());
    Ok(())
}
