//! Deletes exports that are too old: file and row. In a folder, also files that no row knows.

use crate::State;
use chrono::TimeDelta;
use serde_json::json;
use shared::exports::{self, ExpireExports};
use shared::jobs::{Context, Failure, Job, Outcome};
use std::time::Duration;

/// Exports in one step.
const STEP: i64 = 100;

/// With less time than this left, the next step is for a fresh attempt. A deletion in a bucket takes some 50 ms.
const WORTH_ANOTHER_STEP: Duration = Duration::from_secs(30);

/// A file may be this much older than the row that knows it.
const STILL_IN_USE: TimeDelta = TimeDelta::days(1);

/// A second run is harmless: it goes on with what is left. Files go before their rows, so none is left that no row knows;
/// one that is gone already, by the bucket's lifecycle rule or by an attempt that died, counts as deleted.
impl Job<State> for ExpireExports {
    /// Good for a hundred steps; further ones are for further attempts, which cost none.
    const TIMEOUT: Duration = Duration::from_mins(10);

    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let mut deleted = context.checkpoint()?.unwrap_or(0);
        loop {
            let expired = {
                let mut db = state.db.acquire().await?;
                exports::expired(&mut db, self.finished_before, STEP).await?
            };
            if expired.is_empty() {
                let unused = (self.finished_before - STILL_IN_USE).into();
                let swept =
                    state.storage.sweep("exports", unused).await? + state.storage.sweep("imports", unused).await?;
                return context.done(json!({ "deleted": deleted, "swept": swept }));
            }
            for export in &expired {
                state.storage.delete(&export.object_key).await?;
            }
            let mut tx = state.db.begin().await?;
            exports::delete(&mut tx, &expired).await?;
            deleted += expired.len();
            context.save(tx, &deleted).await?;
            if context.time_left() < WORTH_ANOTHER_STEP {
                return context.continues();
            }
        }
    }
}
