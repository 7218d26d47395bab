//! A kind of job that does in each attempt what the test says when the attempt is to end.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::jobs::{Backoff, Context, Failure, Jitter, Job, Outcome, Payload};
use std::time::Duration;
use worker::State;

/// How an attempt ends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Act {
    /// With an effect, in one transaction.
    Commit,
    /// The same, and the answer to the commit is lost.
    CommitUnanswered,
    /// The connection is cut before the commit.
    CommitCut,
    /// Without an effect.
    Done,
    /// It fails.
    Fail,
    /// It panics.
    Panic,
    /// It gives up.
    Discard,
    /// It is put off.
    Snooze,
    /// It takes a step and goes on later.
    Continue,
    /// It takes a step and fails.
    StepThenFail,
    /// Its host stops.
    Release,
}

/// Any end.
pub fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Commit),
        1 => Just(Act::CommitUnanswered),
        1 => Just(Act::CommitCut),
        1 => Just(Act::Done),
        3 => Just(Act::Fail),
        1 => Just(Act::Panic),
        1 => Just(Act::Discard),
        2 => Just(Act::Snooze),
        2 => Just(Act::Continue),
        1 => Just(Act::StepThenFail),
        2 => Just(Act::Release),
    ]
}

/// The payload; `None` as it is written, the end as the attempt is told.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Scripted(pub Option<Act>);

impl Payload for Scripted {
    const KIND: &'static str = "scripted";
    const MAX_ATTEMPTS: i32 = 3;
}

/// How long a snooze is.
pub const SNOOZE: Duration = Duration::from_secs(20);

/// A second run is harmless: effects are written behind the fence.
impl Job<State> for Scripted {
    const TIMEOUT: Duration = Duration::from_secs(10);
    const BACKOFF: Backoff =
        Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(20), jitter: Jitter::None };
    const MAX_AGE: Duration = Duration::from_secs(400);

    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let Some(act) = self.0 else { return Err(Failure::discard("nobody said what to do")) };
        match act {
            Act::Done => return context.done(json!(1)),
            Act::Fail => return Err(anyhow::anyhow!("it fails").into()),
            Act::Panic => panic!("it panics"),
            Act::Discard => return Err(Failure::discard("it gives up")),
            Act::Snooze => return Err(Failure::snooze(SNOOZE)),
            Act::Release => std::future::pending::<()>().await,
            Act::Commit | Act::CommitUnanswered | Act::CommitCut | Act::Continue | Act::StepThenFail => {}
        }
        let mut tx = state.db.begin().await?;
        sqlx::query("insert into effects (job_id, epoch) values ($1, $2)")
            .bind(context.job())
            .bind(context.epoch())
            .execute(&mut *tx)
            .await?;
        match act {
            Act::Continue => {
                context.save(tx, &context.epoch()).await?;
                context.continues()
            }
            Act::StepThenFail => {
                context.save(tx, &context.epoch()).await?;
                Err(anyhow::anyhow!("it fails after a step").into())
            }
            _ => context.commit(tx, json!(2)).await,
        }
    }
}
