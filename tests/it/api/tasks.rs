//! Tasks.

mod create;
mod delete;
mod filters;
mod list;
mod owners;
mod reminders;
mod update;
mod validation;
