//! When: a cron expression on the wall clock of a time zone, as moments in time.
//!
//! On the day when clocks go forward, a named hour that does not exist is made up for at the first moment after the gap,
//! once; `*` has nothing to make up for. On the day when they go back, times that are named come once, at their first
//! occurrence; with `*` among the minutes or the hours they come as often as the clock shows them.

use super::cron::{Cron, CronError};
use chrono::{DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// How far to look for the next time: the 29th of February may be eight years away.
const FARTHEST: usize = 9 * 366;

/// The longest gap of a wall clock: the day that Samoa left out, and an hour.
const LONGEST_GAP_MINUTES: i64 = 25 * 60;

/// Why there are no times.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TimetableError {
    /// The expression is none.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// There is no such zone.
    #[error("there is no time zone `{0}` in the IANA database")]
    Zone(String),
    /// No day is as the expression wants it.
    #[error("`{0}` names no day that ever comes")]
    Never(String),
}

/// The times of a schedule.
#[derive(Clone, Debug)]
pub struct Timetable {
    expression: String,
    cron: Cron,
    zone: Tz,
}

impl Timetable {
    /// Reads a cron expression of five fields and the name of a zone of the IANA database.
    ///
    /// # Errors
    /// Says which of the two is wrong.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, TimetableError> {
        let Ok(zone) = zone.parse() else { return Err(TimetableError::Zone(zone.to_owned())) };
        Ok(Self { expression: cron.to_owned(), cron: Cron::parse(cron)?, zone })
    }

    /// Returns the first time after a moment.
    ///
    /// # Errors
    /// [`TimetableError::Never`] when there is none.
    pub fn after(&self, moment: DateTime<Utc>) -> Result<DateTime<Utc>, TimetableError> {
        let mut times = Vec::new();
        for date in self.date_before(moment).iter_days().take(FARTHEST) {
            // One day more than needed: clocks that go back at midnight lead into the day before.
            let found = times.iter().copied().min();
            self.add_times_of(date, &mut times);
            times.retain(|time| *time > moment);
            if let Some(found) = found {
                return Ok(times.into_iter().min().unwrap_or(found));
            }
        }
        Err(TimetableError::Never(self.expression.clone()))
    }

    /// Returns all times from one moment to another, both included, earliest first.
    #[must_use]
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let last = to.with_timezone(&self.zone).date_naive();
        let last = last.checked_add_days(Days::new(1)).unwrap_or(last);
        let mut times = Vec::new();
        for date in self.date_before(from).iter_days().take_while(|date| *date <= last) {
            self.add_times_of(date, &mut times);
        }
        times.retain(|time| (from..=to).contains(time));
        times.sort_unstable();
        times.dedup();
        times
    }

    /// The day before the one on which a moment is.
    fn date_before(&self, moment: DateTime<Utc>) -> NaiveDate {
        let date = moment.with_timezone(&self.zone).date_naive();
        date.pred_opt().unwrap_or(date)
    }

    fn add_times_of(&self, date: NaiveDate, times: &mut Vec<DateTime<Utc>>) {
        if !self.cron.is_on(date) {
            return;
        }
        for wall in self.cron.times().filter_map(|(hour, minute)| date.and_hms_opt(hour, minute, 0)) {
            match self.zone.from_local_datetime(&wall) {
                MappedLocalTime::Single(time) => times.push(time.to_utc()),
                MappedLocalTime::Ambiguous(first, second) => {
                    times.push(first.to_utc());
                    if self.cron.repeats() {
                        times.push(second.to_utc());
                    }
                }
                MappedLocalTime::None if self.cron.names_hours() => times.extend(self.end_of_gap(wall)),
                MappedLocalTime::None => {}
            }
        }
    }

    fn end_of_gap(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        let later = (1..=LONGEST_GAP_MINUTES).map(|minutes| wall + TimeDelta::minutes(minutes));
        later.into_iter().find_map(|wall| self.zone.from_local_datetime(&wall).earliest()).map(|time| time.to_utc())
    }
}
