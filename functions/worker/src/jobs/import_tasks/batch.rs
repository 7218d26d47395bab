//! What is written in one transaction.

use super::rows::{Rows, Stop};
use shared::fields::Mistake;
use shared::tasks::NewTask;

/// Rows of one batch.
const MOST_ROWS: usize = 500;

/// Bytes of the file after which a batch is full, however few rows they are: it bounds the memory and the statement.
const MOST_BYTES: u64 = 1024 * 1024;

/// Why no more goes into a batch.
pub(super) enum Filled {
    /// It has its rows; there may be more in the file.
    Full,
    /// The file is at its end.
    Last,
}

/// Some rows of a file.
pub(super) struct Batch {
    pub(super) tasks: Vec<NewTask>,
    /// Each with the number of its row.
    pub(super) mistakes: Vec<(i64, Mistake)>,
    rows: usize,
    last_row: i64,
    starts_at: u64,
}

impl Batch {
    /// Makes a batch that comes after `rows_before` rows, and begins at this byte of the file.
    pub(super) fn new(rows_before: i64, starts_at: u64) -> Self {
        Self { tasks: Vec::new(), mistakes: Vec::new(), rows: 0, last_row: rows_before, starts_at }
    }

    /// The number of its last row.
    pub(super) fn last_row(&self) -> i64 {
        self.last_row
    }

    /// Reads rows until the batch is full or the file at its end.
    pub(super) async fn fill(&mut self, rows: &mut Rows<'_>) -> Result<Filled, Stop> {
        while self.rows < MOST_ROWS && rows.offset() - self.starts_at < MOST_BYTES {
            let Some(row) = rows.next().await? else { return Ok(Filled::Last) };
            self.rows += 1;
            self.last_row += 1;
            match row {
                Ok(task) => self.tasks.push(task),
                Err(mistakes) => self.mistakes.extend(mistakes.into_iter().map(|mistake| (self.last_row, mistake))),
            }
        }
        Ok(Filled::Full)
    }
}
