//! What two or more functions need: configuration, secrets, database, telemetry, the job engine, the queries.
//!
//! Nothing here knows an HTTP framework or a Lambda event type; [`jobs`] knows no domain module either.

pub mod aws;
pub mod clock;
pub mod config;
pub mod db;
pub mod exports;
pub mod fields;
pub mod ids;
pub mod imports;
pub mod jobs;
pub mod lambda;
pub mod mail;
pub mod metrics;
pub mod migrations;
pub mod outbound;
pub mod reminders;
pub mod secrets;
pub mod storage;
pub mod tasks;
pub mod telemetry;
pub mod tls;
pub mod trace;
pub mod users;
pub mod webhooks;
