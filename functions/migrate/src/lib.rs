//! Migrations: the schema is brought up to date by the deploy, before the new code takes traffic.

mod config;
mod custom_resource;
mod migrate;

pub use config::Config;
pub use custom_resource::{Request, handle};
pub use migrate::{Applied, MigrateError, apply};
