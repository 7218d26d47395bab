//! Writing how attempts ended: many in one statement, each behind its fence.

use super::notifier::Notice;
use super::row::State;
use super::{GRACE, HORIZON};
use crate::clock::Clock;
use crate::ids::{JobId, OwnerId};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// What an attempt's end does to its job.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It succeeded, with this result.
    Done(Value),
    /// It is tried again after this long, while attempts are left.
    Retry { error: String, internal: bool, after: Duration },
    /// It is looked at again after this long, without using up an attempt, unless it is older than it may be by then.
    Snooze { after: Duration, max_age: Duration },
    /// It goes on at its checkpoint at once, without using up an attempt.
    Continue,
    /// It failed for good.
    Discard { error: String },
    /// It was called off.
    Cancelled,
    /// It goes back as if this attempt had not been.
    Release,
}

impl Verdict {
    /// What the attempt says went wrong.
    pub(super) fn error(&self) -> Option<&str> {
        match self {
            Self::Retry { error, .. } | Self::Discard { error } => Some(error),
            Self::Snooze { .. } => Some(TOO_OLD),
            Self::Done(_) | Self::Continue | Self::Cancelled | Self::Release => None,
        }
    }
}

/// No job is put off for longer, nor becomes older: what is meant is "never", and PostgreSQL's times end somewhere.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// What the row of a job says that was snoozed for too long.
const TOO_OLD: &str = "the job was put off until it was older than it may be";

/// The end of one attempt, to be written.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) id: JobId,
    pub(super) epoch: i32,
    pub(super) verdict: Verdict,
}

/// What became of a job.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) state: State,
    /// What to send, when it is to run again soon.
    pub(super) notice: Option<Notice>,
}

/// Writes the ends of attempts. A job that is missing in the answer had left this attempt's epoch before: its lease was
/// lost, or its commit had arrived although the answer was lost.
#[tracing::instrument(level = "debug", name = "db.jobs.settle", skip_all, fields(jobs = endings.len()))]
pub(super) async fn settle(
    db: &mut PgConnection,
    endings: &[&Ending],
    clock: &Clock,
) -> Result<HashMap<JobId, Settled>, sqlx::Error> {
    let mut columns = Columns::default();
    for ending in endings {
        columns.push(ending);
    }
    let rows = sqlx::query_file!(
        "src/jobs/settle.sql",
        &columns.ids,
        &columns.epochs,
        &columns.endings as &[&str],
        &columns.results as &[Option<&Value>],
        &columns.errors as &[Option<&str>],
        &columns.delays,
        clock.offset_seconds(),
        GRACE.as_secs_f64(),
        &columns.internals,
        &columns.max_ages,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let id = JobId(row.id);
            let state = match row.state.as_str() {
                "succeeded" => State::Succeeded,
                "failed" => State::Failed,
                "cancelled" => State::Cancelled,
                _ => State::Available,
            };
            let after = Duration::from_secs_f64(row.delay);
            let notice = row
                .kind
                .filter(|_| after <= HORIZON)
                .map(|kind| Notice::new(id, &kind, row.owner_id.map(OwnerId), after));
            (id, Settled { state, notice })
        })
        .collect())
}

#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    epochs: Vec<i32>,
    endings: Vec<&'static str>,
    results: Vec<Option<&'a Value>>,
    errors: Vec<Option<&'a str>>,
    delays: Vec<f64>,
    internals: Vec<bool>,
    max_ages: Vec<f64>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, ending: &'a Ending) {
        let (name, result, error, delay) = match &ending.verdict {
            Verdict::Done(result) => ("done", Some(result), None, Duration::ZERO),
            Verdict::Retry { error, after, .. } => ("retry", None, Some(error.as_str()), *after),
            Verdict::Snooze { after, .. } => ("snooze", None, Some(TOO_OLD), *after),
            Verdict::Continue => ("continue", None, None, Duration::ZERO),
            Verdict::Discard { error } => ("discard", None, Some(error.as_str()), Duration::ZERO),
            Verdict::Cancelled => ("cancelled", None, None, Duration::ZERO),
            Verdict::Release => ("release", None, None, Duration::ZERO),
        };
        let max_age = match &ending.verdict {
            Verdict::Snooze { max_age, .. } => *max_age,
            _ => Duration::ZERO,
        };
        self.ids.push(ending.id.0);
        self.epochs.push(ending.epoch);
        self.endings.push(name);
        self.results.push(result);
        self.errors.push(error);
        self.delays.push(delay.min(LONGEST).as_secs_f64());
        self.internals.push(matches!(ending.verdict, Verdict::Retry { internal: true, .. }));
        self.max_ages.push(max_age.min(LONGEST).as_secs_f64());
    }
}
