//! One request: told apart, done, answered, and noted in the log.

use crate::Config;
use crate::http::Http;
use crate::mail::Mailer;
use futures_util::future::BoxFuture;
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::outbound::{Answer, Local, OutboundError, Reply, Request};
use std::sync::Arc;
use std::time::Instant;

/// Sends mail and makes HTTP calls; nothing is connected before the first of them.
#[derive(Debug)]
pub struct Gateway {
    mailer: Mailer,
    http: Http,
}

impl Gateway {
    /// Makes the gateway.
    #[must_use]
    pub fn new(config: Config, sdk: Arc<Sdk>) -> Self {
        let clock = Clock::default();
        Self { mailer: Mailer::new(config.mail, sdk, clock.clone()), http: Http::new(config.reach, clock) }
    }

    /// Does what is asked, as the Lambda function does: what the world outside says is an answer, and an error is about
    /// the function itself.
    ///
    /// # Errors
    /// When the function cannot work at all.
    pub async fn handle(&self, request: Request) -> anyhow::Result<Answer> {
        match self.serve(request).await {
            Ok(reply) => Ok(Answer::Done(reply)),
            Err(OutboundError::Refused { reason }) => Ok(Answer::Refused { reason }),
            Err(OutboundError::Failed { reason }) => Ok(Answer::Failed { reason }),
            Err(OutboundError::Unavailable(source)) => Err(source),
        }
    }

    async fn serve(&self, request: Request) -> Result<Reply, OutboundError> {
        let started = Instant::now();
        let what = match request {
            Request::Mail(_) => "A mail",
            Request::Http(_) => "An HTTP call",
        };
        // Boxed: these hold the futures of clients, which are large.
        let done = match request {
            Request::Mail(mail) => Box::pin(self.mailer.send(&mail)).await,
            Request::Http(call) => Box::pin(self.http.call(call)).await,
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &done {
            Ok(Reply::Sent { message_id }) => {
                tracing::info!(mail.message_id = %message_id, duration_ms, "Mail {message_id} was handed on");
            }
            Ok(Reply::Answered { status, .. }) => {
                tracing::info!(http.status = status, duration_ms, "An HTTP call was answered with {status}");
            }
            // The reasons may name addresses; whoever asked gets them.
            Err(OutboundError::Refused { .. }) => tracing::info!(duration_ms, "{what} was refused"),
            Err(OutboundError::Failed { .. }) => tracing::info!(duration_ms, "{what} failed for now"),
            Err(OutboundError::Unavailable(_)) => {}
        }
        done
    }
}

impl Local for Gateway {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, OutboundError>> {
        Box::pin(self.serve(request))
    }
}
