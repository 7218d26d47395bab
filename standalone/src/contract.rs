//! `errand contract`: takes away from the schema what only older releases need.

use crate::cli::ContractArgs;
use crate::database;
use shared::migrations::CONTRACTIONS;
use std::io::{self, Write as _};

/// Does it, and says what was done.
pub(crate) async fn run(
    arguments: ContractArgs,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> anyhow::Result<()> {
    let db = database::existing(arguments.state, lookup).await?;
    let done = migrate::contract(&db, &CONTRACTIONS, false).await?;
    writeln!(io::stdout().lock(), "{} contract migrations were applied.", done.applied)?;
    Ok(())
}
