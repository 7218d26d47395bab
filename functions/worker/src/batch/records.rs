//! The records of a batch, decoded one by one: one bad body must not fail the others.

use aws_lambda_events::sqs::SqsMessage;
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use std::collections::HashSet;

/// The body of a message.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct LookNow {
    /// The job to look at.
    pub job: JobId,
}

/// The records, each with its job if its body could be read.
#[derive(Debug)]
pub(super) struct Records {
    records: Vec<(SqsMessage, Option<JobId>)>,
}

impl Records {
    pub(super) fn decode(messages: Vec<SqsMessage>) -> Self {
        let decode = |message: SqsMessage| {
            let body = message.body.as_deref().unwrap_or_default();
            let job = match serde_json::from_str::<LookNow>(body) {
                Ok(look_now) => Some(look_now.job),
                Err(error) => {
                    let id = message.message_id.as_deref().unwrap_or_default();
                    tracing::error!(
                        error.code = "message_unreadable",
                        message.id = id,
                        error = %error,
                        "Message {id} cannot be read, it goes to the dead-letter queue",
                    );
                    None
                }
            };
            (message, job)
        };
        Self { records: messages.into_iter().map(decode).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn undecodable(&self) -> usize {
        self.records.iter().filter(|(_, job)| job.is_none()).count()
    }

    /// The jobs, each once: a duplicate is settled together with the first.
    pub(super) fn jobs(&self) -> Vec<JobId> {
        let mut seen = HashSet::new();
        self.records.iter().filter_map(|(_, job)| *job).filter(|job| seen.insert(*job)).collect()
    }

    /// The records that SQS must deliver again.
    pub(super) fn failures(&self, unreached: &HashSet<JobId>) -> Vec<&SqsMessage> {
        self.records
            .iter()
            .filter(|(_, job)| job.is_none_or(|job| unreached.contains(&job)))
            .map(|(message, _)| message)
            .collect()
    }
}
