//! The API, route by route.

mod auth;
mod budgets;
pub mod events;
mod exports;
mod health;
pub mod imports;
mod jobs;
mod openapi;
mod problems;
mod schedules;
mod tasks;
pub mod webhooks;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Reads a time as the API writes it. As texts, two times of the same second need not sort.
fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}
