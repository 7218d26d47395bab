//! Takes jobs up again.

use super::{Changes, LARGEST_CHANGE, Means, Operation, Perform, in_words};
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use shared::jobs::{self, Filter, State};

/// Takes these failed or cancelled jobs up again, of which workers are to be told.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The jobs.
    pub ids: Vec<JobId>,
}

/// As [`Retry`], with up to `limit` failed jobs of a kind, newest first; fewer when there are more than one operation changes.
/// Where it looked at none, there are no more.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RetryFailed {
    /// The kind.
    pub kind: String,
    /// Only jobs that were written before this one.
    pub before: Option<JobId>,
    /// How many at most.
    pub limit: i64,
}

/// What taking a job up again did.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retried {
    /// It waits for another attempt.
    Again,
    /// It did not fail: it is in this state.
    NotFailed(State),
    /// This job has its key now, and is not finished.
    Conflict(JobId),
    /// There is no such job.
    Missing,
}

impl From<Retry> for Operation {
    fn from(retry: Retry) -> Self {
        Self::Retry(retry)
    }
}

impl From<RetryFailed> for Operation {
    fn from(retry: RetryFailed) -> Self {
        Self::RetryFailed(retry)
    }
}

impl Perform for Retry {
    type Answer = Changes<Retried>;

    async fn perform(self, mut means: Means<'_>) -> Result<Changes<Retried>, sqlx::Error> {
        let mut changes = Changes { jobs: Vec::new(), broken_off: None };
        for id in self.ids {
            match retry(&mut means, id).await {
                Ok(retried) => changes.jobs.push((id, retried)),
                Err(error) => {
                    changes.broken_off = Some(in_words(error));
                    break;
                }
            }
        }
        Ok(changes)
    }
}

impl Perform for RetryFailed {
    type Answer = Changes<Retried>;

    async fn perform(self, means: Means<'_>) -> Result<Changes<Retried>, sqlx::Error> {
        let limit = self.limit.clamp(0, i64::try_from(LARGEST_CHANGE).unwrap_or(i64::MAX));
        let filter = Filter { kind: Some(self.kind), state: Some(State::Failed) };
        let failed = jobs::page_any(means.db, None, &filter, self.before, limit).await?;
        Retry { ids: failed.into_iter().map(|job| job.id).collect() }.perform(means).await
    }
}

async fn retry(means: &mut Means<'_>, id: JobId) -> Result<Retried, sqlx::Error> {
    Ok(match jobs::retry(means.db, None, id, means.clock).await? {
        jobs::Retry::Again(enqueued) => {
            tracing::info!(job.id = %id, job.kind = enqueued.row.kind, "Job {id} was taken up again by an operator");
            means.notices.extend(enqueued.notice);
            Retried::Again
        }
        jobs::Retry::NotFailed(job) => Retried::NotFailed(job.state),
        jobs::Retry::Conflict(other) => Retried::Conflict(other),
        jobs::Retry::Missing => Retried::Missing,
    })
}
