//! Kinds of job whose effects in the database can be counted.
//!
//! An effect is a row of `effects` and one more in a row of `slots`, both in the transaction that ends the job. The
//! tests make the two tables.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::db::Tx;
use shared::jobs::{Backoff, Context, Failure, Jitter, Job, Outcome, Payload, Registry};
use std::time::Duration;
use worker::State;

/// Waits that a test has the time for.
const SOON: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(2), jitter: Jitter::Full };

/// What a job does, and which slot it counts in.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Deed {
    /// What it does.
    pub act: Act,
    /// Jobs of one slot wait for each other's row.
    pub slot: i32,
}

/// What a job does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Has its effect at once.
    Effect,
    /// Has its effect and ends in one statement.
    AtOnce,
    /// Succeeds without an effect.
    Quiet,
    /// Fails in its first two attempts, each time after half of its effect.
    FailsTwice,
    /// Waits this many milliseconds, reporting progress, and then has its effect.
    Waits(u64),
    /// Panics in its first attempt, inside of its transaction.
    Panics,
    /// Takes longer than it may in its first attempt.
    Oversleeps,
    /// Gives up, inside of its transaction.
    Discards,
    /// Fails in every attempt.
    Fails,
    /// Waits for longer than it may, and panics when it is stopped for that.
    DropPanics,
    /// Is put off for a second the first time.
    Snoozes,
    /// Has an effect in each of three steps, and goes on in another attempt after the first.
    Steps,
    /// Has a result that is larger than a row keeps.
    Oversized,
    /// Kills its own process.
    Kills,
    /// Never awaits, and so cannot be stopped.
    Spins,
}

macro_rules! kind {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $attempts:literal, $timeout:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Deed);

        impl Payload for $name {
            const KIND: &'static str = $kind;
            const MAX_ATTEMPTS: i32 = $attempts;
        }

        /// A second run is harmless: the effect is written behind the fence, or not at all.
        impl Job<State> for $name {
            const TIMEOUT: Duration = Duration::from_secs($timeout);
            const BACKOFF: Backoff = SOON;

            async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
                self.0.run(state, context).await
            }
        }
    };
}

kind! {
    /// The usual job: short, with a lease to match, and with more attempts than a run of the suite takes away.
    Brief, "brief", 25, 3
}
kind! {
    /// A job that lives through several heartbeats.
    Lasting, "lasting", 25, 8
}
kind! {
    /// A job that has few attempts.
    Doomed, "doomed", 3, 2
}

/// A registry of these kinds.
#[must_use]
pub fn registry() -> Registry<State> {
    Registry::default().with::<Brief>().with::<Lasting>().with::<Doomed>()
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        #[expect(clippy::panic, reason = "that is the job")]
        {
            panic!("dropped");
        }
    }
}

impl Deed {
    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        match self.act {
            Act::Effect => {}
            Act::AtOnce => return self.at_once(&state, &context).await,
            Act::Quiet => return context.done(json!({ "slot": self.slot })),
            Act::FailsTwice if context.attempt() > 2 => {}
            Act::Panics | Act::Oversleeps if context.attempt() > 1 => {}
            Act::FailsTwice | Act::Fails => {
                let _tx = self.begin(&state, &context).await?;
                return Err(anyhow::anyhow!("no luck in attempt {}", context.attempt()).into());
            }
            Act::Waits(milliseconds) => {
                for quarter in 1..=4 {
                    tokio::time::sleep(Duration::from_millis(milliseconds / 4)).await;
                    context.progress(quarter * 20);
                }
            }
            Act::Panics => {
                let _tx = self.begin(&state, &context).await?;
                #[expect(clippy::panic, reason = "that is the job")]
                {
                    panic!("attempt {} panics", context.attempt());
                }
            }
            Act::Oversleeps => tokio::time::sleep(Duration::from_mins(1)).await,
            Act::Discards => {
                let _tx = self.begin(&state, &context).await?;
                return Err(Failure::discard("it gives up"));
            }
            Act::DropPanics => {
                let _guard = PanicsWhenDropped;
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
            Act::Snoozes if context.epoch() > 1 => {}
            Act::Snoozes => return Err(Failure::snooze(Duration::from_secs(1))),
            Act::Steps => {
                let done: u8 = context.checkpoint()?.unwrap_or_default();
                for step in done + 1..=2 {
                    let tx = self.begin(&state, &context).await?;
                    context.save(tx, &step).await?;
                    if step == 1 {
                        return context.continues();
                    }
                }
            }
            Act::Oversized => return context.done("x".repeat(300 * 1024)),
            Act::Kills => std::process::abort(),
            Act::Spins => loop {
                std::hint::spin_loop();
            },
        }
        let tx = self.begin(&state, &context).await?;
        context.commit(tx, json!({ "slot": self.slot })).await
    }

    async fn at_once(&self, state: &State, context: &Context) -> Result<Outcome, Failure> {
        let mut db = state.db.acquire().await?;
        let statement = "
            with effect as (insert into effects (job_id, epoch) values ($1, $2)),
            counted as (update slots set value = value + 1 where id = $5)
            select finish_job($1, $2, $3, $4)";
        context
            .commit_by(json!({ "slot": self.slot }), |finish| {
                let statement = sqlx::query_scalar(statement).bind(finish.job).bind(finish.epoch);
                statement.bind(finish.result).bind(finish.seconds_ahead).bind(self.slot).fetch_one(&mut *db)
            })
            .await
    }

    /// Has the effect, in a transaction that is still open.
    async fn begin(&self, state: &State, context: &Context) -> Result<Tx, Failure> {
        let mut tx = state.db.begin().await?;
        sqlx::query("insert into effects (job_id, epoch) values ($1, $2)")
            .bind(context.job())
            .bind(context.epoch())
            .execute(&mut *tx)
            .await?;
        sqlx::query("update slots set value = value + 1 where id = $1").bind(self.slot).execute(&mut *tx).await?;
        Ok(tx)
    }
}
