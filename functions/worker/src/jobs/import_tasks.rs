//! Reads an owner's tasks from a file.

mod batch;
mod cells;
mod columns;
mod file;
mod rows;
mod values;

use crate::State;
use batch::{Batch, Filled};
use rows::{Layout, Rows, Stop};
use serde::{Deserialize, Serialize};
use shared::db::Tx;
use shared::ids::OwnerId;
use shared::imports::{self, Counts, ImportTasks};
use shared::jobs::{Context, Failure, Job, Outcome};
use shared::tasks;
use std::time::Duration;

/// Bytes of one row at most. The largest task that is accepted has some 140 kB, with every character escaped.
const LARGEST_ROW: usize = 256 * 1024;

/// With less time than this left, a fresh attempt goes on. A batch takes tens of milliseconds; the database gives up on
/// a statement after 20 s.
const WORTH_GOING_ON: Duration = Duration::from_secs(25);

/// How far an import has come.
#[derive(Debug, Deserialize, Serialize)]
struct Checkpoint {
    /// Bytes that are dealt with.
    offset: u64,
    /// How the rows after them are written.
    layout: Layout,
    counts: Counts,
    /// Mistakes that are kept.
    kept: i32,
}

/// A second run is harmless: it goes on after the last batch that was committed, because the tasks of a batch and the
/// place where it ended are written in one transaction, behind the fence. The file is deleted after the end is committed.
/// One that stays behind is never imported again, and expires.
impl Job<State> for ImportTasks {
    /// 100 MB at 2 MB/s take a minute. A file that takes longer is continued in a fresh attempt, however often.
    const TIMEOUT: Duration = Duration::from_mins(10);

    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let Some(owner) = context.owner() else {
            return Err(Failure::discard("an import needs an owner, whose tasks it makes"));
        };
        let checkpoint: Option<Checkpoint> = context.checkpoint()?;
        let import =
            Import { payload: &self, state: &state, owner, context: &context, counts: Counts::default(), kept: 0 };
        import.run(checkpoint).await
    }
}

/// One attempt.
struct Import<'a> {
    payload: &'a ImportTasks,
    state: &'a State,
    owner: OwnerId,
    context: &'a Context,
    counts: Counts,
    kept: i32,
}

impl Import<'_> {
    async fn run(mut self, checkpoint: Option<Checkpoint>) -> Result<Outcome, Failure> {
        let mut rows = match checkpoint {
            Some(checkpoint) => {
                (self.counts, self.kept) = (checkpoint.counts, checkpoint.kept);
                Rows::resume(&self.state.storage, self.payload, checkpoint.offset, checkpoint.layout)
            }
            None => Rows::open(&self.state.storage, self.payload).await.map_err(Failure::from)?,
        };
        loop {
            let mut batch = Batch::new(self.counts.rows, rows.offset());
            match batch.fill(&mut rows).await {
                Ok(Filled::Full) => {
                    self.save(batch, &rows).await?;
                    if self.context.time_left() < WORTH_GOING_ON {
                        return self.context.continues();
                    }
                }
                Ok(Filled::Last) => return self.finish(batch).await,
                Err(Stop::Broken(reason)) => {
                    // What was read before it counts.
                    self.save(batch, &rows).await?;
                    return Err(self.broken(&reason));
                }
                Err(Stop::Failed(failure)) => return Err(failure),
            }
        }
    }

    /// Writes a batch together with the place where it ended.
    async fn save(&mut self, batch: Batch, rows: &Rows<'_>) -> Result<(), Failure> {
        let tx = self.write(batch).await?;
        let checkpoint =
            Checkpoint { offset: rows.offset(), layout: rows.layout(), counts: self.counts, kept: self.kept };
        self.context.progress(percent(rows.offset(), self.payload.bytes));
        self.context.save(tx, &checkpoint).await
    }

    /// Writes the last batch together with the end of the job, then deletes the file.
    async fn finish(&mut self, batch: Batch) -> Result<Outcome, Failure> {
        let tx = self.write(batch).await?;
        let outcome = self.context.commit(tx, self.counts).await?;
        if let Err(error) = self.state.storage.delete(&self.payload.object_key).await {
            let job = self.context.job();
            tracing::warn!(
                job.id = %job,
                error = format!("{:#}", anyhow::Error::new(error)),
                "The file of import {job} could not be deleted",
            );
        }
        Ok(outcome)
    }

    async fn write(&mut self, batch: Batch) -> Result<Tx, Failure> {
        self.counts.rows = batch.last_row();
        self.counts.imported += i64::try_from(batch.tasks.len())?;
        self.counts.refused = self.counts.rows - self.counts.imported;
        let mut tx = self.state.db.begin().await?;
        if !batch.tasks.is_empty() {
            tasks::create_many(&mut tx, self.owner, &batch.tasks, self.state.clock.now()).await?;
        }
        self.kept = imports::note_errors(&mut tx, self.context.job(), self.kept, &batch.mistakes).await?;
        if !imports::advance(&mut tx, self.owner, self.context.job(), self.counts).await? {
            return Err(Failure::discard("the import is not there any more"));
        }
        Ok(tx)
    }

    fn broken(&self, reason: &str) -> Failure {
        let Counts { rows, imported, refused } = self.counts;
        let row = rows + 1;
        Failure::discard(format!(
            "{reason} (row {row}); of the {rows} rows before it {imported} were imported, and {refused} refused"
        ))
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Broken(reason) => Self::discard(reason),
            Stop::Failed(failure) => failure,
        }
    }
}

fn percent(done: u64, all: u64) -> u8 {
    u8::try_from(done.saturating_mul(100) / all.max(1)).unwrap_or(100)
}
