//! Sends one event to one webhook.

mod verdict;

use crate::State;
use serde::Serialize;
use shared::clock::Clock;
use shared::ids::DeliveryId;
use shared::jobs::{Backoff, Context, Failure, Jitter, Job, Outcome, Payload as _};
use shared::outbound::{HttpCall, Request, TRACE_PARENT};
use shared::trace::Trace;
use shared::webhooks::{self, DeliverWebhook, EndpointState, Mission};
use std::time::Duration;
use verdict::{Next, Verdict};

/// How long a receiver may take. It should answer first and work afterwards.
const PATIENCE_FOR_AN_ANSWER: Duration = Duration::from_secs(15);

/// What the finished job says.
#[derive(Serialize)]
struct Ended {
    delivery: DeliveryId,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

/// A second run sends the event a second time, with the same `webhook-id`: receivers are told to use that to ignore what
/// they have seen. Deliveries are at least once, so this is what they have to expect anyway. In the log, a call whose
/// worker died before it wrote is missing.
impl Job<State> for DeliverWebhook {
    /// The call takes 15 s at most and the statements around it milliseconds.
    const TIMEOUT: Duration = Duration::from_secs(45);

    /// About a day. The longest waits double from 15 s: 15 × (2¹⁰ − 1) s = 15,345 s after the first ten attempts; after
    /// each of the seven that follow it is the cap of 4 h, 100,800 s together. That is 116,145 s, some 32 h. A wait is
    /// drawn between half of its longest and the longest, so the 18th and last attempt comes after 16 to 32 hours,
    /// after 24 on average.
    const BACKOFF: Backoff =
        Backoff { base: Duration::from_secs(15), cap: Duration::from_hours(4), jitter: Jitter::Equal };

    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let Some(owner) = context.owner() else {
            return Err(Failure::discard("a delivery needs an owner, whose webhook it goes to"));
        };
        let id = self.delivery;
        let mission = {
            let mut db = state.db.acquire().await?;
            webhooks::mission(&mut db, owner, id, context.job(), state.clock.now()).await?
        };
        let Some(mission) = mission else {
            // Deleted with its webhook, or replayed by another job since.
            return context.done(Ended { delivery: id, state: "cancelled", status: None });
        };
        if mission.endpoint_state == EndpointState::Disabled {
            let mut tx = state.db.begin().await?;
            webhooks::cancel(&mut tx, owner, id, context.job(), state.clock.now()).await?;
            return context.commit(tx, Ended { delivery: id, state: "cancelled", status: None }).await;
        }

        let is_last = context.attempt() >= Self::MAX_ATTEMPTS;
        let outcome = state.outbound.call(Request::Http(call(&mission, id, &state.clock))).await;
        let Verdict { attempt, next } = Verdict::of(outcome, is_last);

        let (endpoint, now) = (mission.endpoint, state.clock.now());
        let failure = match next {
            Next::Done => {
                let ended = Ended { delivery: id, state: "delivered", status: attempt.status };
                let mut db = state.db.acquire().await?;
                return context
                    .commit_by(ended, |finish| webhooks::delivered(&mut db, owner, endpoint, id, &attempt, now, finish))
                    .await;
            }
            Next::GiveUp(reason) => Failure::discard(reason),
            Next::Again(error) => error.into(),
            Next::NotBefore(error, wait) => Failure::retry_in(error, longer(wait, context.attempt())),
        };
        let mut tx = state.db.begin().await?;
        webhooks::note(&mut tx, owner, endpoint, id, context.job(), &attempt, now).await?;
        tx.commit().await?;
        Err(failure)
    }
}

/// What is sent: the body, and its signatures by every secret that counts at the moment.
fn call(mission: &Mission, id: DeliveryId, clock: &Clock) -> HttpCall {
    let body = mission.payload.to_string();
    let timestamp = clock.now().timestamp();
    let signatures: Vec<String> = mission.secrets.iter().map(|secret| secret.sign(id, timestamp, &body)).collect();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", concat!("Errand/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    let trace = Trace::current().map(|trace| (TRACE_PARENT, trace.to_string()));
    HttpCall {
        url: mission.url.clone(),
        headers: headers.into_iter().chain(trace).map(|(name, value)| (name.to_owned(), value)).collect(),
        body,
        timeout_ms: u64::try_from(PATIENCE_FOR_AN_ANSWER.as_millis()).unwrap_or(u64::MAX),
    }
}

/// What a receiver asks for with `Retry-After`, but neither shorter than the usual wait, or a day's attempts would be
/// used up in minutes, nor longer than the longest.
fn longer(asked: Duration, attempt: i32) -> Duration {
    let backoff = <DeliverWebhook as Job<State>>::BACKOFF;
    asked.clamp(backoff.longest_wait(attempt), backoff.cap)
}
