//! The kinds of job, one by one.

mod deliver_webhook;
mod expire_exports;
mod import_tasks;
mod prune_deliveries;
mod remind_task;
mod send_email;
