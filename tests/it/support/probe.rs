//! Kinds of job that do what a test needs: work, fail, panic, wait.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::jobs::{Context, Failure, Job, Outcome, Payload, Registry};
use std::time::Duration;
use worker::State;

/// A job that does what it says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Succeeds without effects.
    Nothing,
    /// Succeeds with this result.
    Result(serde_json::Value),
    /// Writes an effect in its own transaction.
    Effect,
    /// Writes an effect and ends, in one statement.
    AtOnce,
    /// Believes that it has ended with a statement that has not.
    EndsAnother,
    /// Fails, to be tried again.
    Fail(String),
    /// Gives up.
    Discard(String),
    /// Panics.
    Panic(String),
    /// Panics with something that is no text, and panics again when that is dropped.
    PanicTwice,
    /// Waits this many milliseconds, then writes an effect.
    Sleep(u64),
    /// Reports progress, then waits this many milliseconds.
    Progress(u8, u64),
    /// Fails, to be tried again after this many seconds.
    RetryIn(u64),
    /// Is looked at again after this many seconds.
    Snooze(u64),
    /// Writes an effect a step, this many in all, and goes on in a fresh attempt after each.
    Steps(u32),
    /// Goes on in a fresh attempt without having saved anything.
    InCircles,
    /// Does nothing but keep its thread busy, for this many milliseconds.
    Spin(u64),
}

impl Payload for Probe {
    const KIND: &'static str = "probe";
    const MAX_ATTEMPTS: i32 = 3;
}

/// A second run is harmless: the effect is written with the fence, or not at all.
impl Job<State> for Probe {
    const TIMEOUT: Duration = Duration::from_secs(3);
    const MAX_AGE: Duration = Duration::from_mins(1);

    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        match self {
            Self::Nothing => context.done(json!(null)),
            Self::Result(result) => context.done(result),
            Self::Effect => effect(&state, &context).await,
            Self::AtOnce => at_once(&state, &context).await,
            Self::EndsAnother => {
                let mut db = state.db.acquire().await?;
                context.commit_by((), |_| sqlx::query_scalar("select gen_random_uuid()").fetch_one(&mut *db)).await
            }
            Self::Fail(error) => Err(anyhow::anyhow!(error).into()),
            Self::Discard(reason) => Err(Failure::discard(reason)),
            Self::Panic(message) => panic!("{message}"),
            Self::PanicTwice => std::panic::panic_any(PanicsWhenDropped),
            Self::Sleep(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                effect(&state, &context).await
            }
            Self::Progress(percent, milliseconds) => {
                context.progress(percent);
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                context.done(json!(null))
            }
            Self::RetryIn(seconds) => {
                Err(Failure::retry_in(anyhow::anyhow!("come back later"), Duration::from_secs(seconds)))
            }
            Self::Snooze(seconds) => Err(Failure::snooze(Duration::from_secs(seconds))),
            Self::Steps(steps) => step(&state, &context, steps).await,
            Self::InCircles => context.continues(),
            Self::Spin(milliseconds) => {
                let until = std::time::Instant::now() + Duration::from_millis(milliseconds);
                while std::time::Instant::now() < until {
                    std::hint::spin_loop();
                }
                context.done(json!(null))
            }
        }
    }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// The same kind in a version that the registry of [`kinds`] does not know.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NewerProbe;

impl Payload for NewerProbe {
    const KIND: &'static str = "probe";
    const VERSION: i16 = 2;
}

/// Another kind.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OtherProbe;

impl Payload for OtherProbe {
    const KIND: &'static str = "other_probe";
}

impl Job<State> for OtherProbe {
    async fn run(self, _state: State, context: Context) -> Result<Outcome, Failure> {
        context.done(json!(null))
    }
}

/// A registry of probes.
pub fn kinds() -> Registry<State> {
    Registry::default().with::<Probe>().with::<OtherProbe>()
}

/// One step of several: what was done is known from the checkpoint alone.
async fn step(state: &State, context: &Context, steps: u32) -> Result<Outcome, Failure> {
    let done = context.checkpoint::<u32>()?.unwrap_or(0);
    if done == steps {
        return context.done(json!({ "steps": done }));
    }
    let mut tx = state.db.begin().await?;
    write(&mut tx, context).await?;
    context.save(tx, &(done + 1)).await?;
    context.continues()
}

async fn write(db: &mut sqlx::PgConnection, context: &Context) -> Result<(), sqlx::Error> {
    sqlx::query("insert into effects (job_id, epoch) values ($1, $2)")
        .bind(context.job())
        .bind(context.epoch())
        .execute(db)
        .await?;
    Ok(())
}

async fn at_once(state: &State, context: &Context) -> Result<Outcome, Failure> {
    let mut db = state.db.acquire().await?;
    let statement =
        "with effect as (insert into effects (job_id, epoch) values ($1, $2)) select finish_job($1, $2, $3, $4)";
    context
        .commit_by(json!({ "written": true }), |finish| {
            let statement = sqlx::query_scalar(statement).bind(finish.job).bind(finish.epoch);
            statement.bind(finish.result).bind(finish.seconds_ahead).fetch_one(&mut *db)
        })
        .await
}

async fn effect(state: &State, context: &Context) -> Result<Outcome, Failure> {
    let mut tx = state.db.begin().await?;
    write(&mut tx, context).await?;
    context.commit(tx, json!({ "written": true })).await
}
