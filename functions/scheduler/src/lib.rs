//! The scheduler: each tick rings the alarms that went off and turns schedules into jobs. Safe with several at once, and after
//! any time asleep. Its function also performs what operators ask for: it is the one with a database, a queue and no traffic.

mod config;
mod handler;
pub mod operations;
mod prober;
mod schedules;
mod tick;
mod upkeep;

pub use config::Config;
pub use handler::{Invocation, handle};
pub use prober::Prober;
pub use schedules::{CronError, Schedule, ScheduleError, Schedules, Timetable, TimetableError, declared};
pub use tick::{Scheduler, Tick};
pub use upkeep::Upkeep;
