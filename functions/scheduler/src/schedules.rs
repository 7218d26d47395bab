//! Periodic jobs: each schedule is declared here, in one line. What the lines mean is said in `docs/jobs.md`.

mod cron;
mod misfire;
mod timetable;
mod turn;

pub use cron::CronError;
pub use timetable::{Timetable, TimetableError};
pub use turn::Schedules;

use chrono::{DateTime, Utc};
use shared::exports::ExpireExports;
use shared::jobs::schedule::Definition;
use shared::jobs::{Misfire, NewJob};
use shared::webhooks::PruneDeliveries;

/// The schedules of this build. The name of one never changes.
#[must_use]
pub fn declared() -> Vec<Schedule> {
    vec![
        // The hour at which the world asks least of a service in UTC; the minutes are nobody else's.
        Schedule::new("expire_exports", "17 3 * * *", "UTC", Misfire::Once, |time| {
            NewJob::new(&ExpireExports::at(time))
        }),
        Schedule::new("prune_deliveries", "27 3 * * *", "UTC", Misfire::Once, |time| {
            NewJob::new(&PruneDeliveries::at(time))
        }),
    ]
}

/// Makes the job of one nominal time: the time of the timetable, not that at which the job is made or runs.
type MakeJob = fn(DateTime<Utc>) -> Result<NewJob, serde_json::Error>;

/// A periodic job.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    name: &'static str,
    cron: &'static str,
    time_zone: &'static str,
    misfire: Misfire,
    job: MakeJob,
}

/// Why a schedule cannot make jobs.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Its times are none.
    #[error(transparent)]
    Timetable(#[from] TimetableError),
    /// A payload cannot be written as JSON.
    #[error("the payload cannot be written")]
    Payload(#[from] serde_json::Error),
    /// PostgreSQL refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] shared::db::DbError),
}

impl Schedule {
    /// Declares one: its name, a cron expression, the zone on whose clocks it is, what becomes of late times, and the job
    /// to make. A time at which the job is to start need not be set: it is the nominal one.
    #[must_use]
    pub fn new(
        name: &'static str,
        cron: &'static str,
        time_zone: &'static str,
        misfire: Misfire,
        job: MakeJob,
    ) -> Self {
        Self { name, cron, time_zone, misfire, job }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its times.
    ///
    /// # Errors
    /// When the expression or the zone is none.
    pub fn timetable(&self) -> Result<Timetable, TimetableError> {
        Timetable::parse(self.cron, self.time_zone)
    }

    /// What its row is to say.
    ///
    /// # Errors
    /// When the payload cannot be written, which has the kind.
    pub fn definition(&self) -> Result<Definition, serde_json::Error> {
        Ok(Definition {
            kind: (self.job)(DateTime::UNIX_EPOCH)?.kind().to_owned(),
            cron: self.cron.to_owned(),
            time_zone: self.time_zone.to_owned(),
            misfire: self.misfire,
        })
    }

    /// Makes the job of a nominal time. One that is to come waits for it.
    fn job(&self, nominal: DateTime<Utc>, now: DateTime<Utc>) -> Result<NewJob, serde_json::Error> {
        let job = (self.job)(nominal)?;
        Ok(if nominal > now { job.at(nominal) } else { job })
    }
}
