//! Sends a mail.

use crate::State;
use serde_json::json;
use shared::jobs::{Backoff, Context, Failure, Jitter, Job, Outcome};
use shared::mail::SendEmail;
use shared::outbound::{Mail, OutboundError, Reply, Request};
use std::time::Duration;

/// A second run is harmless enough: an attempt whose answer was lost may have sent the mail, and the next sends it again
/// under the same Message-ID, which mail programs show once and people recognise. Not sending it at all would be worse.
impl Job<State> for SendEmail {
    /// Half of each wait is fixed, so that a mail host that is away gets the hours that `MAX_ATTEMPTS` counts on.
    const BACKOFF: Backoff =
        Backoff { base: Duration::from_secs(15), cap: Duration::from_hours(1), jitter: Jitter::Equal };

    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let mail = Mail { to: self.to, subject: self.subject, text: self.text, id: context.job().to_string() };
        match state.outbound.call(Request::Mail(mail)).await {
            Ok(Reply::Sent { message_id }) => context.done(json!({ "message_id": message_id })),
            Ok(Reply::Answered { .. }) => Err(anyhow::anyhow!("a mail was answered as if it were an HTTP call").into()),
            Err(OutboundError::Refused { reason }) => Err(Failure::discard(reason)),
            Err(error) => Err(error.into()),
        }
    }
}
