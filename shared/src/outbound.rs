//! What a worker asks of the world outside: mail and HTTP calls, asked of whoever can reach it.
//!
//! No mail client and no HTTP client lives here: they are in `functions/outbound`, which runs where the internet is. On
//! Lambda that function is invoked; elsewhere the same code is called in process.

mod client;
mod lambda;

pub use client::{Local, Outbound};
pub use lambda::LambdaOutbound;

use crate::trace::Trace;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest time that an HTTP call may take, whatever the call asks for.
pub const LONGEST_CALL: Duration = Duration::from_secs(30);

/// Bytes of an answer's body that are kept; the rest is not read.
pub const BODY_BYTES: usize = 4 * 1024;

/// The header that says which trace a call belongs to.
pub const TRACE_PARENT: &str = "traceparent";

/// One thing to do; also what the function is invoked with.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Send a mail.
    Mail(Mail),
    /// Make an HTTP call.
    Http(HttpCall),
}

/// A mail of plain text to one recipient.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// Becomes the Message-ID: the same mail sent twice has the same one. Letters, digits, `-`, `_` and `.`.
    pub id: String,
}

/// A POST. Redirects are answers like any other: nobody follows them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HttpCall {
    /// Where to.
    pub url: String,
    /// Headers, in this order.
    pub headers: Vec<(String, String)>,
    /// The body, sent as it is.
    pub body: String,
    /// The limit for all of it: name lookup, connection, answer. At most [`LONGEST_CALL`].
    pub timeout_ms: u64,
}

impl Request {
    /// The trace that a call says it belongs to.
    #[must_use]
    pub fn trace(&self) -> Option<Trace> {
        let Self::Http(call) = self else { return None };
        let header = call.headers.iter().find(|(name, _)| name == TRACE_PARENT);
        header.and_then(|(_, value)| Trace::from_traceparent(value))
    }
}

/// What came of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The mail was taken by the next host.
    Sent {
        /// Its Message-ID.
        message_id: String,
    },
    /// The other side answered, with whatever status.
    Answered {
        /// The HTTP status.
        status: u16,
        /// Seconds of the header `Retry-After`, also where it was a date; `None` without a readable one.
        retry_after_s: Option<u64>,
        /// The first [`BODY_BYTES`] of the body; what is not UTF-8 is replaced.
        body: String,
        /// From before the name lookup to the end of what was read.
        duration_ms: u64,
    },
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// It would fail each time: a bad URL, an address that must not be reached, a recipient that does not exist.
    #[error("{reason}")]
    Refused {
        /// What is wrong; names the field.
        reason: String,
    },
    /// It may succeed another time: no connection, no answer in time, a mail host that asks to come back later.
    #[error("{reason}")]
    Failed {
        /// What happened.
        reason: String,
    },
    /// Nobody could be asked, so it is not known whether anything was done.
    #[error("the outbound function could not be asked")]
    Unavailable(#[source] anyhow::Error),
}

/// What the function answers: a [`Reply`], or one of the errors that are not about itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done.
    Done(Reply),
    /// See [`OutboundError::Refused`].
    Refused {
        /// What is wrong.
        reason: String,
    },
    /// See [`OutboundError::Failed`].
    Failed {
        /// What happened.
        reason: String,
    },
}

impl From<Answer> for Result<Reply, OutboundError> {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Done(reply) => Ok(reply),
            Answer::Refused { reason } => Err(OutboundError::Refused { reason }),
            Answer::Failed { reason } => Err(OutboundError::Failed { reason }),
        }
    }
}
