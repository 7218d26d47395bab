//! `errand jobs cancel`.

use super::operator::Operator;
use crate::cli::jobs::CancelArgs;
use anyhow::{bail, ensure};
use scheduler::operations::{Cancel, Cancelled, LARGEST_CHANGE};
use shared::jobs::State;
use std::io::{self, Write as _};

/// Calls jobs off, and says of each what became of it.
pub(super) async fn run(arguments: &CancelArgs, operator: &mut Operator) -> anyhow::Result<()> {
    let mut not = 0;
    for ids in arguments.ids.chunks(LARGEST_CHANGE) {
        let changes = operator.ask(Cancel { ids: ids.to_vec() }).await?;
        for (id, cancelled) in changes.jobs {
            let said = match cancelled {
                Cancelled::Done => "is cancelled".to_owned(),
                Cancelled::Requested => "runs, and is asked to stop".to_owned(),
                Cancelled::Finished(State::Cancelled) => "was cancelled before".to_owned(),
                Cancelled::Finished(state) => {
                    not += 1;
                    format!("has {state} already")
                }
                Cancelled::Missing => {
                    not += 1;
                    "is not there".to_owned()
                }
            };
            writeln!(io::stdout(), "{id} {said}")?;
        }
        if let Some(why) = changes.broken_off {
            bail!(why);
        }
    }
    ensure!(not == 0, "{not} of {} jobs could not be cancelled", arguments.ids.len());
    Ok(())
}
