//! Shows a job.

use super::{Means, Operation, Perform};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::JobId;
use shared::jobs;

/// Everything of a job's row, by column; nothing when it is not there.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// The job.
    pub id: JobId,
}

impl From<Show> for Operation {
    fn from(show: Show) -> Self {
        Self::Show(show)
    }
}

impl Perform for Show {
    type Answer = Option<Value>;

    async fn perform(self, means: Means<'_>) -> Result<Option<Value>, sqlx::Error> {
        jobs::whole(means.db, self.id).await
    }
}
