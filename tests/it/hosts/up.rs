//! `errand up`, which is what `cargo run` runs.

mod crash;
mod drain;
mod health;
mod imports;
mod memory;
mod metrics;
mod refusal;
mod schedules;
mod secrets;
mod start;
