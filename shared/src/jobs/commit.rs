//! Ending an attempt together with its effects in the database: both are committed, or neither is.

use super::Context;
use super::context::{LARGEST_RESULT, json};
use super::job::{Failure, Outcome, Success};
use crate::db::Tx;
use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use std::future::Future;
use uuid::Uuid;

/// What the SQL function `finish_job` says when another attempt has the job by now.
const LEFT_BEHIND: &str = "ER001";

/// The arguments of the SQL function `finish_job`, in their order.
#[derive(Debug)]
pub struct Finish {
    /// The job.
    pub job: Uuid,
    /// The attempt's fence.
    pub epoch: i32,
    /// The job's result.
    pub result: Value,
    /// How far the engine's clock is ahead of the database's, in seconds: 0 but for tests.
    pub seconds_ahead: f64,
}

/// What `finish_job` returns: a statement that has it to show has ended the job. Nothing else makes one.
#[derive(Clone, Copy, Debug, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Finished(Uuid);

impl Context {
    /// Ends this attempt together with its effects: the fenced finish is the transaction's last statement, so both are
    /// committed or neither is. Open the transaction late: from here to the commit the job's row is locked.
    ///
    /// # Errors
    /// [`Failure::Superseded`] when the lease was lost; everything is rolled back. [`Failure::Retry`] when the commit
    /// failed or its answer was lost; in the latter case the fence keeps what was committed.
    pub async fn commit(&self, mut tx: Tx, result: impl Serialize) -> Result<Outcome, Failure> {
        let finish = self.finish(&result)?;
        self.signals.begin_writing();
        let finished = sqlx::query_file_scalar!(
            "src/jobs/fence.sql",
            finish.job,
            finish.epoch,
            finish.result,
            finish.seconds_ahead,
        )
        .fetch_one(&mut *tx)
        .await;
        match finished {
            Ok(_) => tx.commit().await.context("the commit was not answered")?,
            Err(error) if is_left_behind(&error) => {
                tx.rollback().await?;
                return Err(Failure::Superseded);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Outcome(Success::Committed))
    }

    /// As [`commit`](Self::commit), where one statement has all of the effects and ends the job too, by
    /// `select finish_job($1, $2, $3, $4)`: a round trip in the place of five. It runs outside of a transaction.
    ///
    /// # Errors
    /// [`Failure::Superseded`] when the lease was lost, and the statement had no effect. [`Failure::Retry`] when it failed or
    /// its answer was lost; in the latter case the fence keeps what was committed. [`Failure::Discard`] when it ended another
    /// job than this one.
    pub async fn commit_by<F>(
        &self,
        result: impl Serialize,
        statement: impl FnOnce(Finish) -> F,
    ) -> Result<Outcome, Failure>
    where
        F: Future<Output = Result<Finished, sqlx::Error>> + Send,
    {
        let finish = self.finish(&result)?;
        self.signals.begin_writing();
        match statement(finish).await {
            Ok(Finished(job)) if job == self.job.0 => Ok(Outcome(Success::Committed)),
            Ok(Finished(other)) => Err(Failure::discard(format!("the statement of the attempt ended job {other}"))),
            Err(error) if is_left_behind(&error) => Err(Failure::Superseded),
            Err(error) => Err(error.into()),
        }
    }

    fn finish(&self, result: &impl Serialize) -> Result<Finish, Failure> {
        Ok(Finish {
            job: self.job.0,
            epoch: self.epoch,
            result: json(result, "result", LARGEST_RESULT)?,
            seconds_ahead: self.clock.offset_seconds(),
        })
    }
}

fn is_left_behind(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == LEFT_BEHIND)
}
