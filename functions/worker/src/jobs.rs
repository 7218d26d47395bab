//! The kinds of job that this worker runs: one file and one line each.

mod deliver_webhook;
mod expire_exports;
mod export_tasks;
mod import_tasks;
mod prune_deliveries;
mod remind_task;
mod send_email;

use crate::State;
use shared::exports::{ExpireExports, ExportTasks};
use shared::imports::ImportTasks;
use shared::jobs::Registry;
use shared::mail::SendEmail;
use shared::reminders::RemindTask;
use shared::webhooks::{DeliverWebhook, PruneDeliveries};

/// Every kind of this build.
#[must_use]
pub fn registry() -> Registry<State> {
    Registry::default()
        .with::<DeliverWebhook>()
        .with::<ExpireExports>()
        .with::<ExportTasks>()
        .with::<ImportTasks>()
        .with::<PruneDeliveries>()
        .with::<RemindTask>()
        .with::<SendEmail>()
}
