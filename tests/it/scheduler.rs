//! Ticks.

mod alarms;
mod budget;
mod declared;
mod misfire;
mod once;
mod operations;
mod readiness;
mod timetable;
mod upkeep;
mod versions;

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use chrono::{DateTime, Utc};
use scheduler::{Schedule, Scheduler, Schedules};
use serde_json::json;
use shared::jobs::schedule::{self, ScheduleRow};
use shared::jobs::{Misfire, NewJob};

/// A time.
fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

/// A schedule in UTC whose jobs succeed with their nominal time.
fn probe(name: &'static str, cron: &'static str, misfire: Misfire) -> Schedule {
    Schedule::new(name, cron, "UTC", misfire, |nominal| NewJob::new(&Probe::Result(json!(nominal))))
}

/// Starts with one schedule and lets it be written at a time, which is later than now.
async fn app_with(schedule: Schedule, time: &str) -> TestApp {
    let mut app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    app.scheduler.schedules = Schedules::new(vec![schedule]);
    go_to(&app, time);
    assert_eq!(app.tick().await.scheduled, 0, "a new schedule begins with a time to come");
    app
}

/// Moves the clock forward to a time.
fn go_to(app: &TestApp, time: &str) {
    app.advance((at(time) - app.clock.now()).to_std().unwrap());
}

/// Another process that schedules, of the same version or of another one.
fn another(app: &TestApp, schedules: Vec<Schedule>) -> Scheduler {
    Scheduler { db: app.handle(), schedules: Schedules::new(schedules), ..app.scheduler.clone() }
}

/// The nominal times of the jobs that schedules made, earliest first.
async fn made(app: &TestApp) -> Vec<DateTime<Utc>> {
    let times = "select (payload ->> 'result')::timestamptz from jobs where kind = 'probe' order by 1";
    sqlx::query_scalar(times).fetch_all(&mut app.db().await).await.unwrap()
}

/// The row of the only schedule.
async fn row(app: &TestApp) -> ScheduleRow {
    let mut listed = schedule::list(&mut app.db().await, &app.clock).await.unwrap();
    assert_eq!(listed.len(), 1);
    listed.remove(0).schedule
}
