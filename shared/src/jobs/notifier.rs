//! The doorbell: tells workers to look at a job. It may fail, double or come late: the row stays, and its alarm.

mod postgres;
mod sqs;

pub use postgres::{LocalWorker, PostgresNotifier};
pub use sqs::SqsNotifier;

use crate::aws::Sdk;
use crate::db::Db;
use crate::ids::{JobId, OwnerId};
use crate::trace::Trace;
use std::sync::Arc;
use std::time::Duration;

/// The scheduler's rhythm on AWS.
const MINUTE: Duration = Duration::from_mins(1);

/// "Look at this job, in so long."
#[derive(Clone, Debug)]
pub struct Notice {
    /// The job.
    pub job: JobId,
    /// Whose turn it takes: the owner, or the kind for jobs of the system.
    pub group: String,
    /// How long to wait before looking.
    pub after: Duration,
    /// The trace that the job belongs to, as far as it is known here: X-Ray joins what it sees of the message to it. Our
    /// own lines have it from the row.
    pub trace: Option<Trace>,
}

impl Notice {
    pub(super) fn new(job: JobId, kind: &str, owner: Option<OwnerId>, after: Duration) -> Self {
        Self { job, group: Self::group(kind, owner), after, trace: None }
    }

    pub(super) fn part_of(self, trace: Option<Trace>) -> Self {
        Self { trace, ..self }
    }

    pub(super) fn group(kind: &str, owner: Option<OwnerId>) -> String {
        owner.map_or_else(|| kind.to_owned(), |owner| owner.to_string())
    }

    /// Asks for another look at a job of which only the id is known.
    #[must_use]
    pub fn again(job: JobId, after: Duration) -> Self {
        Self { job, group: job.to_string(), after, trace: None }
    }
}

/// Why notices were not sent.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// SQS refused, or could not be reached.
    #[error("SQS did not take the messages")]
    Sqs(#[source] Box<aws_sdk_sqs::Error>),
    /// SQS took some messages and refused others.
    #[error("SQS refused {refused} messages, the first because of {code}")]
    Refused {
        /// How many.
        refused: usize,
        /// The code of the first.
        code: String,
    },
    /// PostgreSQL refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
}

/// How workers are told.
#[derive(Clone, Debug)]
pub enum Notifier {
    /// By messages.
    Sqs(SqsNotifier),
    /// By a word inside the process, and NOTIFY to other hosts.
    Postgres(PostgresNotifier),
}

impl Notifier {
    /// For a function of its own: by the queue if there is one, else by NOTIFY. Nothing is connected yet.
    #[must_use]
    pub fn remote(queue_url: Option<&str>, sdk: Arc<Sdk>, db: &Db) -> Self {
        match queue_url {
            Some(url) => Self::Sqs(SqsNotifier::new(sdk, url)),
            None => Self::Postgres(PostgresNotifier::remote(db.clone())),
        }
    }

    /// How long before a job is due the scheduler should send its notice. A notice carries the delay that is left, so a
    /// tick a minute starts every job to the second. A worker in the same process knows itself when the next job is due.
    #[must_use]
    pub fn look_ahead(&self) -> Duration {
        match self {
            Self::Postgres(postgres) if postgres.has_worker() => Duration::ZERO,
            Self::Sqs(_) | Self::Postgres(_) => MINUTE,
        }
    }

    /// Sends notices, after the commit. A failure is logged and nothing else: the scheduler notifies again.
    #[tracing::instrument(level = "debug", name = "jobs.notify", skip_all)]
    pub async fn notify(&self, notices: impl IntoIterator<Item = Notice, IntoIter: Send> + Send) {
        let notices: Vec<Notice> = notices.into_iter().collect();
        if notices.is_empty() {
            return;
        }
        let sent = match self {
            // Boxed: the SDK's futures are large, and would otherwise become part of every future above.
            Self::Sqs(sqs) => Box::pin(sqs.send(&notices)).await,
            Self::Postgres(postgres) => postgres.send(&notices).await,
        };
        if let Err(error) = sent {
            tracing::warn!(
                error = format!("{:#}", anyhow::Error::new(error)),
                jobs = notices.len(),
                "Workers could not be told of {} jobs, the scheduler will tell them",
                notices.len(),
            );
        }
    }
}
