//! The job engine: rows that are the truth, messages that only say "look now", attempts that are fenced.
//!
//! The states, the statements and the reasons are in `docs/jobs.md`. The engine imports no domain module.

mod backoff;
mod claim;
mod context;
mod enqueue;
mod find;
mod finish;
mod job;
mod lease;
mod notifier;
mod registry;
mod row;
mod runner;
mod shift;
mod text;
mod wake;

pub use backoff::longest_wait;
pub use claim::{Claimed, Claims, Unclaimed};
pub use context::Context;
pub use enqueue::{Enqueued, NewJob, enqueue, enqueue_many};
pub use find::{find, page};
pub use job::{Failure, Job, OrDiscard, Outcome, Payload};
pub use notifier::{LocalWorker, Notice, Notifier, NotifyError, PostgresNotifier, SqsNotifier};
pub use registry::Registry;
pub use row::{AttemptError, JobRow, State};
pub use runner::Runner;
pub use shift::{End, Shift};
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

/// The channel of PostgreSQL's NOTIFY; its payload is a comma-separated list of `id` or `id@seconds`.
pub const CHANNEL: &str = "errand_jobs";
