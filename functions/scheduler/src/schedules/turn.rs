//! The step of a tick that turns due schedules into jobs and keeps their rows as they are declared.

use super::{Schedule, ScheduleError, Timetable, misfire};
use crate::Scheduler;
use chrono::{DateTime, TimeDelta, Utc};
use shared::db::DbError;
use shared::jobs::schedule::{self, Definition, ScheduleRow};
use shared::jobs::{self, HORIZON};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A row that was changed less than this ago is left as it is. While two versions tick during a deploy, this keeps them
/// from changing it in turns at each tick; when one of them is gone, the other has the last word after this.
const SETTLED: TimeDelta = TimeDelta::minutes(10);

/// A schedule that is not declared is forgotten after this. Until then a rollback finds it where it was.
const FORGOTTEN: TimeDelta = TimeDelta::days(7);

/// The schedules of a process.
#[derive(Clone, Debug, Default)]
pub struct Schedules {
    declared: Arc<[Schedule]>,
    /// Whether this process has written its declarations: the first time it does so at once.
    has_written: Arc<AtomicBool>,
}

/// What is to be done with a row.
struct Plan {
    /// The nominal times that become jobs, earliest first.
    times: Vec<DateTime<Utc>>,
    next_at: DateTime<Utc>,
    /// The declaration, when the row is to be changed to it.
    changed: Option<Definition>,
}

impl Schedules {
    /// Declares schedules.
    #[must_use]
    pub fn new(declared: Vec<Schedule>) -> Self {
        Self { declared: declared.into(), has_written: Arc::default() }
    }

    /// Makes the jobs that are due, and returns how many. A schedule that cannot make any does not hold up the others.
    pub(crate) async fn turn(&self, scheduler: &Scheduler) -> Result<usize, DbError> {
        let rows: Vec<ScheduleRow> = {
            let mut db = scheduler.db.acquire().await?;
            let listed = schedule::list(&mut db, &scheduler.clock).await?;
            listed.into_iter().map(|listed| listed.schedule).collect()
        };
        let may_change =
            |row: &ScheduleRow| !self.has_written.load(Ordering::Relaxed) || row.now - row.changed_at > SETTLED;
        let mut made = 0;
        let mut all_well = true;
        for schedule in &*self.declared {
            let done = match rows.iter().find(|row| row.name == schedule.name) {
                Some(row) => self::advance(scheduler, schedule, row, may_change(row)).await,
                None => create(scheduler, schedule).await.map(|()| 0),
            };
            match done {
                Ok(jobs) => made += jobs,
                Err(ScheduleError::Db(error)) if error.is_unavailable() => return Err(error),
                Err(error) => {
                    all_well = false;
                    let name = schedule.name;
                    tracing::error!(
                        error.code = "schedule_broken",
                        schedule.name = name,
                        error = format!("{:#}", anyhow::Error::new(error)),
                        "Schedule {name} cannot make its jobs"
                    );
                }
            }
        }
        for row in &rows {
            if !self.declared.iter().any(|schedule| schedule.name == row.name) {
                self::put_away(scheduler, row, may_change(row)).await?;
            }
        }
        if all_well {
            self.has_written.store(true, Ordering::Relaxed);
        }
        Ok(made)
    }
}

/// Writes the row of a schedule that is new. Its first time is one that is still to come.
async fn create(scheduler: &Scheduler, schedule: &Schedule) -> Result<(), ScheduleError> {
    let (timetable, definition) = (schedule.timetable()?, schedule.definition()?);
    let mut db = scheduler.db.acquire().await?;
    let now = schedule::now(&mut db, &scheduler.clock).await.map_err(DbError::from)?;
    let next_at = timetable.after(now)?;
    let created = schedule::create(&mut db, schedule.name, &definition, next_at, &scheduler.clock).await;
    Ok(created.map_err(DbError::from)?)
}

/// Makes the jobs of a schedule that are due and moves its row on, both in one transaction or neither.
async fn advance(
    scheduler: &Scheduler,
    schedule: &Schedule,
    row: &ScheduleRow,
    may_change: bool,
) -> Result<usize, ScheduleError> {
    let Some(plan) = plan(schedule, row, may_change)? else { return Ok(0) };
    let new: Result<Vec<_>, _> = plan.times.iter().map(|time| schedule.job(*time, row.now)).collect();
    let new = new?;

    let mut tx = scheduler.db.begin().await?;
    if !schedule::hold(&mut tx, row).await.map_err(DbError::from)? {
        tx.rollback().await.map_err(DbError::from)?;
        return Ok(0);
    }
    let made = jobs::enqueue_many(&mut tx, new, &scheduler.clock).await.map_err(DbError::from)?;
    let last = plan.times.last().copied().zip(made.last().map(|job| job.row.id));
    let advanced = schedule::advance(&mut tx, row, plan.next_at, last, plan.changed.as_ref(), &scheduler.clock).await;
    advanced.map_err(DbError::from)?;
    tx.commit().await.map_err(DbError::from)?;

    let count = made.iter().filter(|job| !job.joined).count();
    if count > 0 {
        let name = schedule.name;
        tracing::info!(schedule.name = name, jobs = count, "Schedule {name} made {count} jobs");
    }
    scheduler.notifier.notify(made.into_iter().filter_map(|job| job.notice)).await;
    Ok(count)
}

/// Decides what is to be done with a row; `None` when nothing is. The row counts, not the declaration: it may be that of
/// another version, which is as much alive.
fn plan(schedule: &Schedule, row: &ScheduleRow, may_change: bool) -> Result<Option<Plan>, ScheduleError> {
    let declared = schedule.definition()?;
    let changed = (may_change && (row.retired || row.definition != declared)).then_some(declared);
    // When the definition changes, what is to come is for the new one.
    let until = if changed.is_some() { row.now } else { row.now + HORIZON };
    if changed.is_none() && row.next_at > until {
        return Ok(None);
    }
    let timetable = Timetable::parse(&row.definition.cron, &row.definition.time_zone);
    let times = match &timetable {
        Ok(timetable) => misfire::due(timetable, row.definition.misfire, row.next_at, until, row.now),
        // It is not understood, and soon it does not matter any more.
        Err(_) if changed.is_some() => Vec::new(),
        Err(error) => return Err(error.clone().into()),
    };
    let timetable = if changed.is_some() { schedule.timetable()? } else { timetable? };
    // Jobs that were made ahead are not made again.
    let made_until = row.last_at.map_or(until, |last| last.max(until));
    Ok(Some(Plan { times, next_at: timetable.after(made_until)?, changed }))
}

/// Retires a row that is not declared, and forgets it when that was long ago.
async fn put_away(scheduler: &Scheduler, row: &ScheduleRow, may_change: bool) -> Result<(), DbError> {
    let name = &row.name;
    if !row.retired && may_change {
        let mut db = scheduler.db.acquire().await?;
        schedule::retire(&mut db, row, &scheduler.clock).await?;
        tracing::info!(schedule.name = name, "Schedule {name} is not declared any more and makes no more jobs");
    } else if row.retired && row.now - row.changed_at > FORGOTTEN {
        let mut db = scheduler.db.acquire().await?;
        schedule::forget(&mut db, row).await?;
    }
    Ok(())
}
