//! Tasks.

mod create;
mod delete;
mod filters;
mod list;
mod owners;
mod update;
mod validation;
