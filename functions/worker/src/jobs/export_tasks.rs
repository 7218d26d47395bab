//! Writes an owner's tasks to a file.

mod encode;

use crate::State;
use anyhow::Context as _;
use encode::Encoder;
use serde::Serialize;
use shared::exports::{self, ExportTasks, NewExport};
use shared::ids::{OwnerId, TaskId};
use shared::jobs::{Context, Failure, Job, Outcome};
use shared::tasks;
use shared::webhooks::{self, Event, EventType};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// Tasks in one page. A task has at most some 15 kB, so a page of the largest ones stays near 15 MB.
const PAGE: i64 = 1_000;

/// What the finished job says, and webhooks hear.
#[derive(Serialize)]
struct Exported<'a> {
    rows: i64,
    bytes: i64,
    content_type: &'a str,
    url: String,
}

/// A second run is harmless: each attempt writes a file of its own, and only the one whose row is committed counts.
impl Job<State> for ExportTasks {
    /// A page takes some 10 ms: ten minutes are good for tens of millions of tasks.
    const TIMEOUT: Duration = Duration::from_mins(10);

    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let Some(owner) = context.owner() else {
            return Err(Failure::discard("an export needs an owner, whose tasks it writes"));
        };
        let object_key = format!("exports/{owner}/{}-{}.{}", context.job(), context.epoch(), self.format.extension());
        let (rows, bytes) = write_file(&self, &state, owner, &object_key).await?;

        let content_type = self.format.content_type();
        let url = format!("/v1/exports/{}/content", context.job());
        let export =
            NewExport { job_id: context.job(), owner_id: owner, object_key: &object_key, content_type, rows, bytes };
        let now = state.clock.now();
        let exported = Exported { rows, bytes, content_type, url };
        let finished = Event::new(EventType::ExportFinished, now, &exported)?;
        let mut tx = state.db.begin().await?;
        exports::create(&mut tx, &export, now).await?;
        let notices = webhooks::publish(&mut tx, owner, &[finished], &state.clock).await?;
        let outcome = context.commit(tx, exported).await?;
        state.notifier.notify(notices).await;
        Ok(outcome)
    }
}

/// Streams the tasks page by page into the file and returns how many tasks and bytes it has.
async fn write_file(
    export: &ExportTasks,
    state: &State,
    owner: OwnerId,
    object_key: &str,
) -> anyhow::Result<(i64, i64)> {
    let mut file = state.storage.writer(object_key)?;
    let mut encoder = Encoder::new(export.format)?;
    let (mut rows, mut bytes) = (0, 0);
    let mut before: Option<TaskId> = None;
    loop {
        let page = {
            let mut connection = state.db.acquire().await?;
            tasks::page(&mut connection, owner, &export.filter, before, PAGE).await?
        };
        for task in &page {
            encoder.push(task)?;
        }
        rows += i64::try_from(page.len())?;
        let is_last = i64::try_from(page.len())? < PAGE;
        let chunk = if is_last { encoder.finish()? } else { encoder.take()? };
        bytes += i64::try_from(chunk.len())?;
        file.write_all(&chunk).await.context("the file could not be written")?;
        if is_last {
            break;
        }
        before = page.last().map(|task| task.id);
    }
    file.shutdown().await.context("the file could not be completed")?;
    Ok((rows, bytes))
}
