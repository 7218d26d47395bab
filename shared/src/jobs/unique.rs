//! Unique jobs: who asks for a job under a key joins the one that has the key already.
//!
//! Whoever asks locks the key's row, and the row of a job that has not started, until its transaction ends. So two that
//! ask take turns, and a job that was joined starts only after the transaction that joined it: it sees what that wrote.

use super::new_job::NewJob;
use super::row::{JobRow, State, job_row};
use crate::clock::Clock;
use crate::ids::JobId;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use uuid::Uuid;

/// Under which key a job is unique among those of its kind, and for how long.
#[derive(Clone, Debug)]
pub struct Unique {
    pub(super) key: String,
    exclusive: bool,
    period: Option<Duration>,
}

impl Unique {
    /// Joins a job that has not started. One that runs already may have missed what is wanted now, so it is not joined.
    ///
    /// A key has 1 to 200 characters.
    pub fn coalesce(key: impl Into<String>) -> Self {
        Self { key: key.into(), exclusive: false, period: None }
    }

    /// Joins any job that is not finished: at no time are there two.
    pub fn exclusive(key: impl Into<String>) -> Self {
        Self { key: key.into(), exclusive: true, period: None }
    }

    /// Keeps the key with its job for this long after it was written, even when the job has started or succeeded. A job
    /// that failed or was cancelled gives the key back at once.
    #[must_use]
    pub fn within(mut self, period: Duration) -> Self {
        self.period = Some(period);
        self
    }
}

/// What a job joins instead of being written.
pub(super) enum Joined {
    /// A job that was there.
    Earlier(Box<JobRow>),
    /// A job of the same call.
    SameCall(JobId),
}

/// Finds out which of these jobs join another one, and makes the others the holders of their keys. The transaction has
/// to write those others.
#[tracing::instrument(level = "debug", name = "db.jobs.join", skip_all)]
pub(super) async fn join(
    db: &mut PgConnection,
    jobs: &[NewJob],
    clock: &Clock,
) -> Result<HashMap<JobId, Joined>, sqlx::Error> {
    // Sorted, so that all transactions lock keys in the same order.
    let mut asking: BTreeMap<(&str, &str), (JobId, &Unique)> = BTreeMap::new();
    let mut joined = HashMap::new();
    let mut followers = Vec::new();
    for job in jobs {
        let Some(unique) = &job.unique else { continue };
        let first = asking.entry((job.kind, &unique.key)).or_insert((job.id, unique));
        if first.0 != job.id {
            followers.push((job.id, first.0));
        }
    }

    let holders = lock_keys(db, &asking, clock).await?;
    let found = find_holders(db, &holders).await?;
    let mut taken_over = Taken::default();
    for ((kind, key), (job, unique)) in &asking {
        let Some(holder) = holders.get(&(*kind, *key)).filter(|holder| holder.job != *job) else { continue };
        match found.get(&holder.job) {
            Some(found) if found.holds_against(unique, holder.is_held) => {
                joined.insert(*job, Joined::Earlier(Box::new(found.row.clone())));
            }
            _ => taken_over.push(kind, key, *job, unique),
        }
    }
    taken_over.write(db, clock).await?;
    for (job, first) in followers {
        let answer = match joined.get(&first) {
            Some(Joined::Earlier(row)) => Joined::Earlier(row.clone()),
            _ => Joined::SameCall(first),
        };
        joined.insert(job, answer);
    }
    Ok(joined)
}

/// Gives a finished job its key back, before it is taken up again.
///
/// Returns the unfinished job that has the key meanwhile, if there is one.
pub(super) async fn take_back(
    db: &mut PgConnection,
    kind: &str,
    key: &str,
    job: JobId,
    clock: &Clock,
) -> Result<Option<JobId>, sqlx::Error> {
    let unique = Unique::exclusive(key);
    let asking = BTreeMap::from([((kind, key), (job, &unique))]);
    let holders = lock_keys(db, &asking, clock).await?;
    let Some(holder) = holders.get(&(kind, key)).filter(|holder| holder.job != job) else { return Ok(None) };
    let found = find_holders(db, &holders).await?;
    if found.get(&holder.job).is_some_and(|found| found.holds_against(&unique, false)) {
        return Ok(Some(holder.job));
    }
    let mut taken_over = Taken::default();
    taken_over.push(kind, key, job, &unique);
    taken_over.write(db, clock).await?;
    Ok(None)
}

struct Holder {
    job: JobId,
    /// The key stays with it for a time that is not over.
    is_held: bool,
}

struct Found {
    row: JobRow,
    /// It has not started, and is locked: it cannot start before this transaction ends.
    is_waiting: bool,
}

impl Found {
    fn holds_against(&self, unique: &Unique, is_held: bool) -> bool {
        match self.row.state {
            State::Available | State::Running => self.is_waiting || unique.exclusive || is_held,
            State::Succeeded => is_held,
            State::Failed | State::Cancelled => false,
        }
    }
}

/// Locks the rows of these keys, making those that are missing, and returns who has each.
async fn lock_keys<'a>(
    db: &mut PgConnection,
    asking: &BTreeMap<(&'a str, &'a str), (JobId, &Unique)>,
    clock: &Clock,
) -> Result<HashMap<(&'a str, &'a str), Holder>, sqlx::Error> {
    let (kinds, keys): (Vec<&str>, Vec<&str>) = asking.keys().copied().unzip();
    let jobs: Vec<Uuid> = asking.values().map(|(job, _)| job.0).collect();
    let periods: Vec<Option<f64>> = asking.values().map(|(_, unique)| seconds(unique)).collect();
    let rows = sqlx::query_file!(
        "src/jobs/lock_keys.sql",
        &kinds as &[&str],
        &keys as &[&str],
        &jobs,
        &periods as &[Option<f64>],
        clock.offset_seconds(),
    )
    .fetch_all(db)
    .await?;
    let holders = asking.keys().zip(rows);
    Ok(holders.map(|(key, row)| (*key, Holder { job: JobId(row.job_id), is_held: row.is_held })).collect())
}

async fn find_holders(
    db: &mut PgConnection,
    holders: &HashMap<(&str, &str), Holder>,
) -> Result<HashMap<JobId, Found>, sqlx::Error> {
    let ids: Vec<Uuid> = holders.values().map(|holder| holder.job.0).collect();
    let rows = sqlx::query_file!("src/jobs/find_holders.sql", &ids).fetch_all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let is_waiting = row.is_waiting;
            (row.id, Found { row: job_row!(row), is_waiting })
        })
        .collect())
}

/// Keys whose holders let go of them.
#[derive(Default)]
struct Taken<'a> {
    kinds: Vec<&'a str>,
    keys: Vec<&'a str>,
    jobs: Vec<Uuid>,
    periods: Vec<Option<f64>>,
}

impl<'a> Taken<'a> {
    fn push(&mut self, kind: &'a str, key: &'a str, job: JobId, unique: &Unique) {
        self.kinds.push(kind);
        self.keys.push(key);
        self.jobs.push(job.0);
        self.periods.push(seconds(unique));
    }

    async fn write(&self, db: &mut PgConnection, clock: &Clock) -> Result<(), sqlx::Error> {
        if self.keys.is_empty() {
            return Ok(());
        }
        sqlx::query_file!(
            "src/jobs/take_keys.sql",
            &self.kinds as &[&str],
            &self.keys as &[&str],
            &self.jobs,
            &self.periods as &[Option<f64>],
            clock.offset_seconds(),
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

fn seconds(unique: &Unique) -> Option<f64> {
    unique.period.map(|period| period.as_secs_f64())
}
