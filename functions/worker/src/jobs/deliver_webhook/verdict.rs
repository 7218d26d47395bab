//! What an answer, or none, means for the delivery and its endpoint.

use anyhow::anyhow;
use shared::outbound::{OutboundError, Reply};
use shared::webhooks::{Attempt, Blame, DeliveryState};
use std::time::Duration;

/// What to note, and how to go on.
pub(super) struct Verdict {
    pub(super) attempt: Attempt,
    pub(super) next: Next,
}

/// How to go on.
pub(super) enum Next {
    /// It was delivered.
    Done,
    /// No further attempt would help.
    GiveUp(String),
    /// After the usual wait.
    Again(anyhow::Error),
    /// The receiver said when.
    NotBefore(anyhow::Error, Duration),
}

impl Verdict {
    /// Judges what came of a call.
    pub(super) fn of(outcome: Result<Reply, OutboundError>, is_last: bool) -> Self {
        match outcome {
            Ok(Reply::Answered { status, retry_after_s, body, duration_ms }) => {
                Self::of_answer(status, retry_after_s, body, duration_ms, is_last)
            }
            Ok(Reply::Sent { .. }) => Self::ours(anyhow!("a call was answered as if it were a mail"), is_last),
            Err(OutboundError::Refused { reason }) => {
                Self { attempt: failed(DeliveryState::Failed, Blame::Failed, &reason), next: Next::GiveUp(reason) }
            }
            Err(OutboundError::Failed { reason }) => Self {
                attempt: failed(unless_last(is_last), Blame::Failed, &reason),
                next: Next::Again(anyhow!(reason)),
            },
            Err(error @ OutboundError::Unavailable(_)) => Self::ours(error.into(), is_last),
        }
    }

    fn of_answer(status: u16, retry_after_s: Option<u64>, body: String, duration_ms: u64, is_last: bool) -> Self {
        let error = match status {
            200..=299 => None,
            300..=399 => Some(format!("the receiver answered {status}: redirects are not followed")),
            410 => Some("the receiver answered 410 Gone, so the webhook was disabled".to_owned()),
            _ => Some(format!("the receiver answered {status}")),
        };
        let (state, blame) = match status {
            200..=299 => (DeliveryState::Delivered, Blame::Works),
            410 => (DeliveryState::Failed, Blame::Gone),
            _ => (unless_last(is_last), Blame::Failed),
        };
        let next = match (&error, status, retry_after_s) {
            (None, ..) => Next::Done,
            (Some(error), 410, _) => Next::GiveUp(error.clone()),
            (Some(error), 429 | 503, Some(wait)) => Next::NotBefore(anyhow!(error.clone()), Duration::from_secs(wait)),
            (Some(error), ..) => Next::Again(anyhow!(error.clone())),
        };
        let (answer, duration_ms) = (Some(body), Some(duration_ms));
        Self { attempt: Attempt { state, blame, status: Some(status), answer, error, duration_ms }, next }
    }

    /// A failure that says nothing of the receiver.
    fn ours(error: anyhow::Error, is_last: bool) -> Self {
        let attempt = failed(unless_last(is_last), Blame::Nothing, "the call could not be made: a failure on our side");
        Self { attempt, next: Next::Again(error) }
    }
}

fn failed(state: DeliveryState, blame: Blame, error: &str) -> Attempt {
    Attempt { state, blame, status: None, answer: None, error: Some(error.to_owned()), duration_ms: None }
}

fn unless_last(is_last: bool) -> DeliveryState {
    if is_last { DeliveryState::Failed } else { DeliveryState::Pending }
}
