//! Lists jobs.

use super::{Means, Operation, Perform};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OwnerId};
use shared::jobs::{self, Filter, JobRow, State};

/// Jobs of one page: a result has up to 256 KiB, and a small function holds a page of the largest.
const LARGEST_PAGE: i64 = 50;

/// Up to `limit` jobs of all owners, or of one, newest first; fewer when there are more than a page holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only jobs of this kind.
    pub kind: Option<String>,
    /// Only jobs in this state.
    pub state: Option<State>,
    /// Only jobs of this owner.
    pub owner: Option<OwnerId>,
    /// Only jobs that were written before this one.
    pub before: Option<JobId>,
    /// How many at most.
    pub limit: i64,
}

/// Some jobs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Page {
    /// Newest first.
    pub jobs: Vec<JobRow>,
    /// Whether there are more, written before the last one.
    pub has_more: bool,
}

impl From<List> for Operation {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl Perform for List {
    type Answer = Page;

    async fn perform(self, means: Means<'_>) -> Result<Page, sqlx::Error> {
        let limit = self.limit.clamp(0, LARGEST_PAGE);
        let filter = Filter { kind: self.kind, state: self.state };
        let mut jobs = jobs::page_any(means.db, self.owner, &filter, self.before, limit + 1).await?;
        let limit = usize::try_from(limit).unwrap_or_default();
        let has_more = jobs.len() > limit;
        jobs.truncate(limit);
        Ok(Page { jobs, has_more })
    }
}
