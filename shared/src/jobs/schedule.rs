//! The rows of periodic jobs: which there are, when each is next, and the compare-and-set that lets only one of several
//! schedulers make its jobs. When they are due is calculated by the scheduler, which also has the declarations.

use super::State;
use crate::clock::Clock;
use crate::ids::JobId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// What becomes of times that passed while nothing ticked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Misfire {
    /// They are dropped.
    Skip,
    /// The latest of them becomes one job.
    Once,
    /// Each becomes a job, but only the latest so many.
    All {
        /// How many; 1 to 1,000.
        at_most: u16,
    },
}

impl Misfire {
    /// Its name, as in the row.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All { .. } => "all",
        }
    }

    /// How many late times become jobs, where the policy bounds them.
    #[must_use]
    pub fn at_most(self) -> Option<u16> {
        match self {
            Self::Skip | Self::Once => None,
            Self::All { at_most } => Some(at_most),
        }
    }

    /// The check of the table leaves no other names, and no number that does not fit.
    fn read(name: &str, at_most: Option<i16>) -> Self {
        match (name, at_most) {
            ("once", _) => Self::Once,
            ("all", Some(at_most)) => Self::All { at_most: at_most.unsigned_abs() },
            _ => Self::Skip,
        }
    }

    /// As [`Self::at_most`]; what does not fit the column does not pass its check either.
    fn column(self) -> Option<i16> {
        self.at_most().map(|at_most| i16::try_from(at_most).unwrap_or(i16::MAX))
    }
}

/// When a schedule makes what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Definition {
    /// The kind of its jobs.
    pub kind: String,
    /// A cron expression of five fields.
    pub cron: String,
    /// The IANA name of the zone on whose clocks it is.
    pub time_zone: String,
    /// What becomes of late times.
    pub misfire: Misfire,
}

/// One schedule.
#[derive(Clone, Debug)]
pub struct ScheduleRow {
    /// Names it; never changes.
    pub name: String,
    /// When it makes what.
    pub definition: Definition,
    /// The earliest nominal time that is not a job yet.
    pub next_at: DateTime<Utc>,
    /// The latest nominal time that became a job.
    pub last_at: Option<DateTime<Utc>>,
    /// That job.
    pub last_job: Option<JobId>,
    /// Whether the version that looked last does not declare it.
    pub retired: bool,
    /// When its definition, or whether it is declared, was last changed.
    pub changed_at: DateTime<Utc>,
    /// When the row was read, by the database's clock.
    pub now: DateTime<Utc>,
}

/// One schedule for readers.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The schedule.
    pub schedule: ScheduleRow,
    /// Where its latest job is in its life; `None` when there is none, it is pruned, or it is a user's.
    pub last_job_state: Option<State>,
}

/// Returns all schedules, by name. One that is retired is among them.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.schedules.list", skip_all)]
pub async fn list(db: &mut PgConnection, clock: &Clock) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            name, schedules.kind, cron, time_zone, misfire, misfire_at_most, next_at, last_at,
            last_job_id as "last_job_id: JobId", retired, changed_at,
            statement_timestamp() + make_interval(secs => $1) as "now!",
            jobs.state as "last_job_state?: State"
        from schedules
        left join jobs on jobs.id = last_job_id and jobs.owner_id is null
        order by name
        "#,
        clock.offset_seconds(),
    )
    .fetch_all(db)
    .await?;
    let listed = rows.into_iter().map(|row| {
        let misfire = Misfire::read(&row.misfire, row.misfire_at_most);
        let definition = Definition { kind: row.kind, cron: row.cron, time_zone: row.time_zone, misfire };
        let schedule = ScheduleRow {
            name: row.name,
            definition,
            next_at: row.next_at,
            last_at: row.last_at,
            last_job: row.last_job_id,
            retired: row.retired,
            changed_at: row.changed_at,
            now: row.now,
        };
        Listed { schedule, last_job_state: row.last_job_state }
    });
    Ok(listed.collect())
}

/// Returns the database's time.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.schedules.now", skip_all)]
pub async fn now(db: &mut PgConnection, clock: &Clock) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select statement_timestamp() + make_interval(secs => $1) as "now!""#, clock.offset_seconds())
        .fetch_one(db)
        .await
}

/// Writes a schedule that is new. When another scheduler did that before, nothing happens.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.schedules.create", skip_all)]
pub async fn create(
    db: &mut PgConnection,
    name: &str,
    definition: &Definition,
    next_at: DateTime<Utc>,
    clock: &Clock,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into schedules (name, kind, cron, time_zone, misfire, misfire_at_most, next_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, statement_timestamp() + make_interval(secs => $8))
         on conflict (name) do nothing",
        name,
        definition.kind,
        definition.cron,
        definition.time_zone,
        definition.misfire.name(),
        definition.misfire.column(),
        next_at,
        clock.offset_seconds(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks a schedule if it still is as it was read, and tells whether it is. It is not when another scheduler has moved
/// it on since, or is at it now: nothing waits for that one. The compare of the compare-and-set; [`advance`] is the set.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.schedules.hold", skip_all)]
pub async fn hold(db: &mut PgConnection, seen: &ScheduleRow) -> Result<bool, sqlx::Error> {
    let held = sqlx::query_scalar!(
        "select name from schedules
         where name = $1 and next_at = $2 and changed_at = $3
         for no key update skip locked",
        seen.name,
        seen.next_at,
        seen.changed_at,
    )
    .fetch_optional(db)
    .await?;
    Ok(held.is_some())
}

/// Moves a schedule on, in the transaction that holds it and wrote its jobs. `last` is the latest of these; `changed`
/// says that the definition is another one than the row has.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.schedules.advance", skip_all)]
pub async fn advance(
    db: &mut PgConnection,
    seen: &ScheduleRow,
    next_at: DateTime<Utc>,
    last: Option<(DateTime<Utc>, JobId)>,
    changed: Option<&Definition>,
    clock: &Clock,
) -> Result<(), sqlx::Error> {
    let definition = changed.unwrap_or(&seen.definition);
    sqlx::query!(
        "update schedules
         set kind = $2,
             cron = $3,
             time_zone = $4,
             misfire = $5,
             misfire_at_most = $6,
             next_at = $7,
             last_at = coalesce($8, last_at),
             last_job_id = coalesce($9, last_job_id),
             retired = retired and not $10,
             changed_at = case when $10 then statement_timestamp() + make_interval(secs => $11) else changed_at end
         where name = $1",
        seen.name,
        definition.kind,
        definition.cron,
        definition.time_zone,
        definition.misfire.name(),
        definition.misfire.column(),
        next_at,
        last.map(|(at, _)| at),
        last.map(|(_, job)| job.0),
        changed.is_some(),
        clock.offset_seconds(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a schedule is not declared, if it still is as it was read.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.schedules.retire", skip_all)]
pub async fn retire(db: &mut PgConnection, seen: &ScheduleRow, clock: &Clock) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update schedules
         set retired = true, changed_at = statement_timestamp() + make_interval(secs => $3)
         where name = $1 and changed_at = $2",
        seen.name,
        seen.changed_at,
        clock.offset_seconds(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a retired schedule, if it still is as it was read.
///
/// # Errors
/// When the database refuses or cannot be reached.
#[tracing::instrument(level = "debug", name = "db.schedules.forget", skip_all)]
pub async fn forget(db: &mut PgConnection, seen: &ScheduleRow) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from schedules where name = $1 and changed_at = $2 and retired", seen.name, seen.changed_at)
        .execute(db)
        .await?;
    Ok(())
}
