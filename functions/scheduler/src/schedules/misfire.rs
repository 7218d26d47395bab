//! Which of the times that have come become jobs, after a tick that came in time and after an outage.

use super::timetable::Timetable;
use chrono::{DateTime, TimeDelta, Utc};
use shared::jobs::Misfire;

/// A time that passed longer ago than this is late: ticks come each minute, so something was down.
const LATE: TimeDelta = TimeDelta::minutes(5);

/// The first span that is searched for late times; it doubles until there are enough.
const FIRST_SPAN: TimeDelta = TimeDelta::hours(1);

/// Returns the times from `first` to `until` that are to become jobs, earliest first: all that are not late, and of the
/// late ones what the policy wants. `first` is one of them whatever the timetable says, because its row promised it.
pub(super) fn due(
    timetable: &Timetable,
    misfire: Misfire,
    first: DateTime<Utc>,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    if first > until {
        return Vec::new();
    }
    let on_time = first.max(now - LATE);
    let mut times = Vec::new();
    if first < on_time {
        times = newest(timetable, first, on_time - TimeDelta::nanoseconds(1), most(misfire));
    }
    if on_time <= until {
        times.extend(with(first, on_time, timetable.between(on_time, until)));
    }
    times
}

/// How many late times become jobs.
fn most(misfire: Misfire) -> usize {
    match misfire {
        Misfire::Skip => 0,
        Misfire::Once => 1,
        Misfire::All { at_most } => at_most.into(),
    }
}

/// The newest `at_most` times from `first` to `until`. Looks back no farther than it has to: after a long outage there
/// may be a great many.
fn newest(timetable: &Timetable, first: DateTime<Utc>, until: DateTime<Utc>, at_most: usize) -> Vec<DateTime<Utc>> {
    if at_most == 0 {
        return Vec::new();
    }
    let mut span = FIRST_SPAN;
    loop {
        let from = first.max(until - span);
        let mut times = with(first, from, timetable.between(from, until));
        if times.len() >= at_most || from == first {
            return times.split_off(times.len().saturating_sub(at_most));
        }
        span = span * 2;
    }
}

/// Puts `first` in front if the times begin with it.
fn with(first: DateTime<Utc>, from: DateTime<Utc>, mut times: Vec<DateTime<Utc>>) -> Vec<DateTime<Utc>> {
    if from == first && times.first() != Some(&first) {
        times.insert(0, first);
    }
    times
}
