//! Taking jobs: by id, when a message names them, or whatever is due, when there is no message.

use super::Priority;
use super::notifier::Notice;
use super::registry::Supported;
use crate::clock::Clock;
use crate::ids::{JobId, OwnerId};
use crate::trace::Trace;
use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use std::time::Duration;

/// Makes a [`Claimed`] of a row that has its columns and others.
macro_rules! claimed_row {
    ($row:expr) => {
        Claimed {
            id: JobId($row.id),
            kind: $row.kind,
            version: $row.version,
            payload: $row.payload,
            owner: $row.owner_id.map(OwnerId),
            attempt: $row.attempt,
            max_attempts: $row.max_attempts,
            epoch: $row.epoch,
            checkpoint: $row.checkpoint,
            waited: Duration::from_secs_f64($row.waited.max(0.0)),
            trace: $row.trace_context.as_deref().and_then(Trace::from_traceparent),
        }
    };
}

/// What the row of an abandoned attempt says.
pub(super) const ABANDONED: &str = "the attempt was abandoned: its lease ran out";

/// A claim of what is due takes no more, whatever it is asked for.
pub const LARGEST_CLAIM: usize = 1_000;

/// A job that is now this process's to run.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The job.
    pub id: JobId,
    /// Which code runs it.
    pub kind: String,
    /// The payload's version.
    pub version: i16,
    /// Its input, not looked at yet.
    pub payload: Json<Box<RawValue>>,
    /// Whose it is.
    pub owner: Option<OwnerId>,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// Attempts it may have.
    pub max_attempts: i32,
    /// The attempt's fence.
    pub epoch: i32,
    /// Where to go on, if an attempt before saved that.
    pub checkpoint: Option<Value>,
    /// How long it waited since it was due.
    pub waited: Duration,
    /// The trace of whoever enqueued it.
    pub trace: Option<Trace>,
}

/// Why a job was not claimed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unclaimed {
    /// It ended already.
    Finished,
    /// Another worker has it.
    Leased,
    /// Its last attempt was abandoned; it is failed now.
    Exhausted,
    /// Its attempt was abandoned after it was called off; it is cancelled now.
    Cancelled,
    /// It was in a crash, or is in one: it has to be asked for alone.
    Suspect,
    /// It is not due for this long.
    NotDue(Duration),
    /// Another transaction holds its row at this moment.
    Locked,
    /// This build does not know its kind or the version of its payload.
    Unsupported,
    /// There is no such job (any more).
    Missing,
}

/// The answer to a claim by ids.
#[derive(Debug, Default)]
pub struct Claims {
    /// Jobs to run.
    pub claimed: Vec<Claimed>,
    /// The others, each with the reason.
    pub unclaimed: Vec<(Other, Unclaimed)>,
}

/// A job that was not claimed.
#[derive(Clone, Debug)]
pub struct Other {
    /// The job.
    pub id: JobId,
    /// Whose turn a message for it takes.
    group: String,
    trace: Option<Trace>,
}

impl Other {
    /// Asks for another look at it.
    #[must_use]
    pub fn again(&self, after: Duration) -> Notice {
        Notice { job: self.id, group: self.group.clone(), after, trace: self.trace }
    }
}

/// Claims, in one statement, what can be claimed of these jobs. Those that were in a crash are claimed only when they are
/// to run alone.
///
/// # Errors
/// When the database refuses or cannot be reached; then nothing is claimed.
#[tracing::instrument(level = "debug", name = "db.jobs.claim", skip_all, fields(jobs = ids.len()))]
pub async fn claim(
    db: &mut PgConnection,
    ids: &[JobId],
    alone: bool,
    supported: &Supported,
    clock: &Clock,
) -> Result<Claims, sqlx::Error> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_file!(
        "src/jobs/claim_ids.sql",
        &ids,
        &supported.kinds,
        &supported.versions,
        &supported.leases,
        clock.offset_seconds(),
        ABANDONED,
        alone,
    )
    .fetch_all(db)
    .await?;

    let mut claims = Claims::default();
    for row in rows {
        let id = JobId(row.id);
        let owner = row.owner_id.map(OwnerId);
        let waited = row.waited.unwrap_or_default();
        let trace = row.trace_context.as_deref().and_then(Trace::from_traceparent);
        let reason = match row.verdict.as_str() {
            "claimed" => {
                claims.claimed.push(Claimed {
                    id,
                    kind: present(row.kind)?,
                    version: present(row.version)?,
                    payload: present(row.payload)?,
                    owner,
                    attempt: present(row.attempt)?,
                    max_attempts: present(row.max_attempts)?,
                    epoch: present(row.epoch)?,
                    checkpoint: row.checkpoint,
                    waited: Duration::from_secs_f64(waited.max(0.0)),
                    trace,
                });
                continue;
            }
            "finished" => Unclaimed::Finished,
            "leased" => Unclaimed::Leased,
            "exhausted" => Unclaimed::Exhausted,
            "cancelled" => Unclaimed::Cancelled,
            "suspect" => Unclaimed::Suspect,
            "not_due" => Unclaimed::NotDue(Duration::from_secs_f64((-waited).max(0.0))),
            "locked" => Unclaimed::Locked,
            "unsupported" => Unclaimed::Unsupported,
            _ => Unclaimed::Missing,
        };
        let group = Notice::group(row.kind.as_deref().unwrap_or_default(), owner);
        claims.unclaimed.push((Other { id, group, trace }, reason));
    }
    Ok(claims)
}

/// A place in the line of waiting jobs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    priority: Priority,
    turn: DateTime<Utc>,
}

impl Place {
    fn is_before(self, other: Self) -> bool {
        (self.priority, self.turn) < (other.priority, other.turn)
    }

    /// Before everything.
    pub const START: Self = Self { priority: Priority(i16::MIN), turn: DateTime::UNIX_EPOCH };
}

/// What was claimed from the line.
#[derive(Debug, Default)]
pub struct FromLine {
    /// Jobs to run.
    pub jobs: Vec<Claimed>,
    /// The first of their places; `None` when there are none.
    pub first: Option<Place>,
}

/// Claims up to `limit` jobs that are due, a thousand at most, in the order of the line, from a place on.
///
/// # Errors
/// When the database refuses or cannot be reached; then nothing is claimed.
#[tracing::instrument(level = "debug", name = "db.jobs.claim_due", skip_all)]
pub async fn claim_due(
    db: &mut PgConnection,
    limit: usize,
    from: Place,
    supported: &Supported,
    clock: &Clock,
) -> Result<FromLine, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/jobs/claim_due.sql",
        &supported.kinds,
        &supported.versions,
        &supported.leases,
        clock.offset_seconds(),
        i64::try_from(limit.min(LARGEST_CLAIM)).unwrap_or(i64::MAX),
        from.priority.0,
        from.turn,
    )
    .fetch_all(db)
    .await?;
    let mut claimed = FromLine::default();
    for row in rows {
        let place = row.turn.map(|turn| Place { priority: Priority(row.priority), turn });
        if let Some(place) = place
            && claimed.first.is_none_or(|first| place.is_before(first))
        {
            claimed.first = Some(place);
        }
        claimed.jobs.push(claimed_row!(row));
    }
    Ok(claimed)
}

/// Claims the first job in the line of those that were in a crash, which has to run alone.
///
/// # Errors
/// When the database refuses or cannot be reached; then nothing is claimed.
#[tracing::instrument(level = "debug", name = "db.jobs.claim_suspect", skip_all)]
pub async fn claim_suspect(
    db: &mut PgConnection,
    supported: &Supported,
    clock: &Clock,
) -> Result<Option<Claimed>, sqlx::Error> {
    let row = sqlx::query_file!(
        "src/jobs/claim_suspect.sql",
        &supported.kinds,
        &supported.versions,
        &supported.leases,
        clock.offset_seconds(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| claimed_row!(row)))
}

/// What is next, as far as the database knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Next {
    /// In how long the next alarm goes off; `None` when nothing is unfinished.
    pub alarm: Option<Duration>,
    /// A job waits that has to run alone.
    pub suspects: bool,
}

/// Tells when the next alarm goes off, and whether a job waits that has to run alone.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.jobs.next_alarm", skip_all)]
pub async fn next_alarm(db: &mut PgConnection, supported: &Supported, clock: &Clock) -> Result<Next, sqlx::Error> {
    let row =
        sqlx::query_file!("src/jobs/next_alarm.sql", clock.offset_seconds(), &supported.kinds, &supported.versions,)
            .fetch_one(db)
            .await?;
    let alarm = row.rings_in.map(|seconds| Duration::from_secs_f64(seconds.max(0.0)));
    Ok(Next { alarm, suspects: row.suspects })
}

/// A column that the statement fills for every claimed row.
fn present<T>(column: Option<T>) -> Result<T, sqlx::Error> {
    column.ok_or_else(|| sqlx::Error::Decode("a claimed job came back without all of its columns".into()))
}
