//! Deletes deliveries of webhooks that are over for long.

use crate::State;
use serde_json::json;
use shared::jobs::{Context, Failure, Job, Outcome};
use shared::webhooks::{PruneDeliveries, prune_deliveries};
use std::time::Duration;

/// Deliveries in one step. Their bodies may be large, but nothing of them is read.
const STEP: i64 = 1_000;

/// With less time than this left, the next step is for a fresh attempt.
const WORTH_ANOTHER_STEP: Duration = Duration::from_secs(10);

/// A second run is harmless: it goes on with what is left.
impl Job<State> for PruneDeliveries {
    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let mut deleted = context.checkpoint()?.unwrap_or(0);
        loop {
            let mut tx = state.db.begin().await?;
            let step = prune_deliveries(&mut tx, self.created_before, STEP).await?;
            if step == 0 {
                return context.commit(tx, json!({ "deleted": deleted })).await;
            }
            deleted += step;
            context.save(tx, &deleted).await?;
            if context.time_left() < WORTH_ANOTHER_STEP {
                return context.continues();
            }
        }
    }
}
