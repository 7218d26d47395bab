//! What operators do with jobs. An operation is performed on a database by whoever can reach it, and answers with data:
//! `errand jobs` performs it itself, or sends it to the stack's function and prints the same.
//!
//! Each is a step that ends within seconds and whose answer is small, whatever is asked for: who wants more asks again.

mod cancel;
mod list;
mod reply;
mod retry;
mod show;
mod stats;

pub use cancel::{Cancel, Cancelled};
pub use list::{List, Page};
pub use reply::Reply;
pub use retry::{Retried, Retry, RetryFailed};
pub use show::Show;
pub use stats::{KindCounts, Stats};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::clock::Clock;
use shared::ids::JobId;
use shared::jobs::Notice;
use sqlx::PgConnection;

/// Jobs that one operation changes at most: a thousand round trips, which are some seconds.
pub const LARGEST_CHANGE: usize = 100;

/// What operations are performed with.
#[derive(Debug)]
pub struct Means<'a> {
    /// The database.
    pub db: &'a mut PgConnection,
    /// The time.
    pub clock: &'a Clock,
    /// What workers are to be told once the database is free again, which they may be told through.
    pub notices: &'a mut Vec<Notice>,
}

/// One of the operations below.
pub trait Perform: Into<Operation> + Send {
    /// What it answers with.
    type Answer: DeserializeOwned + Serialize + Send;

    /// Does it.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached, and nothing was changed.
    fn perform(self, means: Means<'_>) -> impl Future<Output = Result<Self::Answer, sqlx::Error>> + Send;
}

/// An operation, as it is sent. What is not understood is refused as a whole: a filter that is overlooked would mean other
/// jobs.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Jobs, newest first.
    List(List),
    /// Everything of one.
    Show(Show),
    /// Some are taken up again.
    Retry(Retry),
    /// The failed ones of a kind are.
    RetryFailed(RetryFailed),
    /// Some are called off.
    Cancel(Cancel),
    /// They are counted.
    Stats(Stats),
}

/// What became of jobs, in the order in which they were asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Changes<What> {
    /// Each job that was looked at.
    pub jobs: Vec<(JobId, What)>,
    /// Why the others were not: the database failed. What comes before stays done.
    pub broken_off: Option<String>,
}

/// What an error says, with its causes.
fn in_words(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
