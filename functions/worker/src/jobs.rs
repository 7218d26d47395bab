//! The kinds of job that this worker runs: one file and one line each.

mod expire_exports;
mod export_tasks;

use crate::State;
use shared::exports::{ExpireExports, ExportTasks};
use shared::jobs::Registry;

/// Every kind of this build.
#[must_use]
pub fn registry() -> Registry<State> {
    Registry::default().with::<ExportTasks>().with::<ExpireExports>()
}
