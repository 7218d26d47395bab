//! What the function answers to an operation.

use super::{Means, Operation, Perform, in_words};
use crate::Scheduler;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::lambda::LARGEST_ANSWER;
use std::time::Duration;

/// Kept back from the time that is left, for the answer.
const TIME_TO_ANSWER: Duration = Duration::from_secs(2);

/// What came of an operation. A failure is an answer, too: whoever asked is told, and nobody else has to act.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What it answers with.
    Done(Value),
    /// Why there is none.
    Failed {
        /// For the operator.
        reason: String,
    },
}

impl Reply {
    /// Performs what an operator asks for, if it can be understood.
    pub(crate) async fn to(operation: &Value, scheduler: &Scheduler, time_left: Duration) -> Self {
        let limit = time_left.saturating_sub(TIME_TO_ANSWER);
        let done = tokio::time::timeout(limit, perform(operation, scheduler)).await.unwrap_or_else(|_| {
            let seconds = limit.as_secs();
            Err(anyhow::anyhow!("it was not done after {seconds} s; what was changed until then stays changed"))
        });
        done.and_then(small_enough).unwrap_or_else(|error| {
            let reason = in_words(error);
            tracing::warn!(error = reason, "What an operator asked for could not be done");
            Self::Failed { reason }
        })
    }
}

async fn perform(operation: &Value, scheduler: &Scheduler) -> anyhow::Result<Value> {
    let operation = Operation::deserialize(operation)
        .context("the function does not know this: the stack is of another release than this errand")?;
    match operation {
        Operation::List(list) => one(list, scheduler).await,
        Operation::Show(show) => one(show, scheduler).await,
        Operation::Retry(retry) => one(retry, scheduler).await,
        Operation::RetryFailed(retry) => one(retry, scheduler).await,
        Operation::Cancel(cancel) => one(cancel, scheduler).await,
        Operation::Stats(stats) => one(stats, scheduler).await,
    }
}

async fn one(operation: impl Perform, scheduler: &Scheduler) -> anyhow::Result<Value> {
    let mut notices = Vec::new();
    let answer = {
        let mut db = scheduler.db.acquire().await?;
        operation.perform(Means { db: &mut db, clock: &scheduler.clock, notices: &mut notices }).await?
    };
    scheduler.notifier.notify(notices).await;
    Ok(serde_json::to_value(answer)?)
}

/// Lambda would only say that the function failed.
fn small_enough(answer: Value) -> anyhow::Result<Reply> {
    let reply = Reply::Done(answer);
    let size = serde_json::to_vec(&reply)?.len();
    anyhow::ensure!(
        size <= LARGEST_ANSWER,
        "the answer has {size} bytes, and Lambda lets {LARGEST_ANSWER} through: ask for less with --limit"
    );
    Ok(reply)
}
