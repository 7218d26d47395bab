//! The scheduler: each tick rings the alarms that went off. Safe with several at once, and after any time asleep.

mod config;
mod tick;

pub use config::Config;
pub use tick::{Scheduler, Tick};
