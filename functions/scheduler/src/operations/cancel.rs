//! Calls jobs off.

use super::{Changes, Means, Operation, Perform, in_words};
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use shared::jobs::{self, State};

/// Calls these jobs off. Nobody has to be told: the worker of one that runs learns of it with its next heartbeat.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The jobs.
    pub ids: Vec<JobId>,
}

/// What calling a job off did.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancelled {
    /// It waited, and will not run.
    Done,
    /// It runs, and is asked to stop.
    Requested,
    /// It had ended like this already.
    Finished(State),
    /// There is no such job.
    Missing,
}

impl From<Cancel> for Operation {
    fn from(cancel: Cancel) -> Self {
        Self::Cancel(cancel)
    }
}

impl Perform for Cancel {
    type Answer = Changes<Cancelled>;

    async fn perform(self, mut means: Means<'_>) -> Result<Changes<Cancelled>, sqlx::Error> {
        let mut changes = Changes { jobs: Vec::new(), broken_off: None };
        for id in self.ids {
            match cancel(&mut means, id).await {
                Ok(cancelled) => changes.jobs.push((id, cancelled)),
                Err(error) => {
                    changes.broken_off = Some(in_words(error));
                    break;
                }
            }
        }
        Ok(changes)
    }
}

async fn cancel(means: &mut Means<'_>, id: JobId) -> Result<Cancelled, sqlx::Error> {
    Ok(match jobs::cancel(means.db, None, id, means.clock).await? {
        jobs::Cancel::Cancelled(job) => {
            tracing::info!(job.id = %id, job.kind, "Job {id} was cancelled by an operator");
            Cancelled::Done
        }
        jobs::Cancel::Requested(job) => {
            tracing::info!(job.id = %id, job.kind, "Job {id} runs, and is asked to stop by an operator");
            Cancelled::Requested
        }
        jobs::Cancel::Finished(job) => Cancelled::Finished(job.state),
        jobs::Cancel::Missing => Cancelled::Missing,
    })
}
