//! The job engine: rows that are the truth, messages that only say "look now", attempts that are fenced.
//!
//! The states, the statements and the reasons are in `docs/jobs.md`. The engine imports no domain module.

mod announce;
mod backoff;
mod change;
mod claim;
mod commit;
mod context;
mod enqueue;
mod find;
mod finish;
mod job;
mod lease;
mod new_job;
mod notifier;
mod observer;
mod page;
mod priority;
mod prune;
mod registry;
mod row;
mod runner;
pub mod schedule;
mod shift;
mod stats;
mod text;
mod unique;
mod wake;

pub use backoff::{Backoff, Jitter};
pub use change::{Cancel, Retry, cancel, reschedule, retry};
pub use claim::{Claimed, Claims, FromLine, LARGEST_CLAIM, Next, Other, Place, Unclaimed};
pub use commit::{Finish, Finished};
pub use context::Context;
pub use enqueue::{Enqueued, enqueue, enqueue_many};
pub use find::{find, find_any, whole};
pub use job::{Failure, Job, OrDiscard, Outcome, Payload};
pub use new_job::NewJob;
pub use notifier::{LocalWorker, Notice, Notifier, NotifyError, PostgresNotifier, SqsNotifier};
pub use observer::{Attempted, Observer};
pub use page::{Filter, page, page_any};
pub use priority::Priority;
pub use prune::{Pruned, Retention, prune};
pub use registry::Registry;
pub use row::{AttemptError, JobRow, State};
pub use runner::Runner;
pub use schedule::Misfire;
pub use shift::{End, Shift};
pub use stats::{EndedStats, KindStats, stats, stats_ended, stats_up_to};
pub use unique::Unique;
pub use wake::{Woken, wake};

use std::time::Duration;

/// A lease, and so the time until an abandoned attempt is rescued, is never longer than this.
pub const LONGEST_LEASE: Duration = Duration::from_mins(1);

/// Jobs due within this time are notified when they are written; later ones when their time comes. It is longer than
/// the scheduler's minute, so every job is in reach of one or the other.
pub const HORIZON: Duration = Duration::from_mins(2);

/// How long after a notification the scheduler notifies again, if the job still waits; doubles with lateness.
pub const GRACE: Duration = Duration::from_mins(2);

/// The longest time between two notifications of a job that waits.
pub const LONGEST_GRACE: Duration = Duration::from_mins(15);

/// What stands between two jobs of one owner in the line of workers without a queue: however many there are, a job of
/// another owner waits for one of them a minute at most.
pub const SPACING: Duration = Duration::from_mins(1);

/// The channel of PostgreSQL's NOTIFY; its payload is a comma-separated list of `id` or `id@seconds`.
pub const CHANNEL: &str = "errand_jobs";
