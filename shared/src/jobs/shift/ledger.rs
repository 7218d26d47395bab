//! The ends of attempts on their way into the database: whatever gathers while one statement is under way goes into
//! the next, so a lone end never waits and a crowd shares.

use super::{End, Ending, Runner, State, Verdict, storable_error, when_there};
use crate::db::{DbError, within};
use crate::ids::JobId;
use crate::jobs::Attempted;
use crate::jobs::finish::{self, Settled};
use crate::jobs::runner::STATEMENT_LIMIT;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tracing::Span;

/// The longest statement: as many ends as this.
const BATCH: usize = 1_000;

/// The pause after a statement that could not reach the database.
const PAUSE: Duration = Duration::from_millis(500);

/// An end, and how often and since when it was tried to write it.
struct Line {
    ending: Ending,
    attempt: Attempted,
    span: Span,
    since: Instant,
    /// A statement with several ends was refused because of one of them.
    alone: bool,
}

/// An end that needs no further statement.
pub(super) struct Closed {
    pub(super) job: JobId,
    pub(super) attempt: Attempted,
    pub(super) end: End,
}

impl Line {
    fn closed(&self, end: End) -> Closed {
        Closed { job: self.ending.id, attempt: self.attempt, end }
    }
}

/// A statement that was tried.
pub(super) struct Written {
    lines: Vec<Line>,
    result: Result<HashMap<JobId, Settled>, DbError>,
}

pub(super) struct Ledger {
    patience: Duration,
    deadline: Option<Instant>,
    open: Vec<Line>,
    writing: Option<BoxFuture<'static, Written>>,
    pause: bool,
}

impl Ledger {
    pub(super) fn new(patience: Duration, deadline: Option<Instant>) -> Self {
        Self { patience, deadline, open: Vec::new(), writing: None, pause: false }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.writing.is_none()
    }

    pub(super) fn note(&mut self, ending: Ending, attempt: Attempted, span: Span) {
        self.open.push(Line { ending, attempt, span, since: Instant::now(), alone: false });
    }

    /// Starts a statement for everything that waits, unless one is under way.
    pub(super) fn begin_writing<S: Clone + Send + Sync + 'static>(&mut self, runner: &Runner<S>) {
        if self.writing.is_some() || self.open.is_empty() {
            return;
        }
        let size = if self.open.iter().any(|line| line.alone) { 1 } else { self.open.len().min(BATCH) };
        let lines: Vec<Line> = self.open.drain(..size).collect();
        let pause = std::mem::take(&mut self.pause);
        let inner = std::sync::Arc::clone(&runner.inner);
        self.writing = Some(Box::pin(async move {
            if pause {
                tokio::time::sleep(PAUSE).await;
            }
            let endings: Vec<&Ending> = lines.iter().map(|line| &line.ending).collect();
            let result = within(STATEMENT_LIMIT, async {
                let mut connection = inner.db.acquire().await?;
                Ok(finish::settle(&mut connection, &endings, &inner.clock).await?)
            });
            let mut result: Result<HashMap<JobId, Settled>, DbError> = result.await;
            if let Ok(settled) = &mut result {
                inner
                    .notifier
                    .notify(settled.values_mut().filter_map(|job| job.notice.take()).collect::<Vec<_>>())
                    .await;
            }
            Written { lines, result }
        }));
    }

    pub(super) async fn written(&mut self) -> Written {
        let written = when_there(&mut self.writing).await;
        self.writing = None;
        written
    }

    /// Reports what was written, and keeps the rest for the next statement.
    pub(super) fn close(&mut self, written: Written) -> Vec<Closed> {
        match written.result {
            Ok(settled) => written.lines.iter().map(|line| line.closed(end(line, &settled))).collect(),
            // One of them has a row that is locked, or data that nobody can keep.
            Err(error) if written.lines.len() > 1 && (error.is_lock_timeout() || error.is_refused_data()) => {
                self.open.extend(written.lines.into_iter().map(|line| Line { alone: true, ..line }));
                Vec::new()
            }
            Err(error) if error.is_refused_data() => self.do_without(written.lines, &error),
            // Whatever it is, it is not what the handler did: it may be over soon.
            Err(error) => self.try_again(written.lines, &error),
        }
    }

    fn try_again(&mut self, lines: Vec<Line>, error: &DbError) -> Vec<Closed> {
        self.pause = true;
        let mut given_up = Vec::new();
        let is_over = self.deadline.is_some_and(|deadline| Instant::now() + PAUSE >= deadline);
        for line in lines {
            if line.since.elapsed() < self.patience && !is_over {
                self.open.push(line);
            } else {
                tracing::error!(
                    parent: &line.span,
                    error.code = "job_end_unwritten",
                    error = %error,
                    "The end of job {} could not be written",
                    line.ending.id,
                );
                given_up.push(line.closed(End::Unwritten));
            }
        }
        given_up
    }

    /// The data of an end was refused, so it is written without.
    fn do_without(&mut self, lines: Vec<Line>, error: &DbError) -> Vec<Closed> {
        let mut given_up = Vec::new();
        for mut line in lines {
            let id = line.ending.id;
            tracing::error!(
                parent: &line.span,
                error.code = "job_end_refused",
                error = %error,
                "PostgreSQL refused the end of job {id}",
            );
            if matches!(line.ending.verdict, Verdict::Done(_)) {
                let error = storable_error(&format!("the result could not be stored: {error}"));
                line.ending.verdict = Verdict::Discard { error };
                self.open.push(line);
            } else {
                given_up.push(line.closed(End::Unwritten));
            }
        }
        given_up
    }
}

fn end(line: &Line, settled: &HashMap<JobId, Settled>) -> End {
    let id = line.ending.id;
    match (settled.get(&id).map(|job| job.state), &line.ending.verdict) {
        (None, _) => {
            tracing::info!(parent: &line.span, "Job {id} had ended or been taken over before this attempt's end was written");
            End::Superseded
        }
        (Some(State::Succeeded), _) => End::Succeeded,
        (Some(State::Failed), _) => {
            tracing::error!(
                parent: &line.span,
                error.code = "job_failed",
                error = line.ending.verdict.error(),
                "Job {id} failed for good",
            );
            End::Failed
        }
        (Some(State::Cancelled), _) => {
            tracing::info!(parent: &line.span, "Job {id} was called off and is cancelled");
            End::Cancelled
        }
        (Some(_), Verdict::Release) => End::Released,
        (Some(_), Verdict::Snooze { .. }) => End::Snoozed,
        (Some(_), Verdict::Continue) => End::Continued,
        (Some(_), _) => End::Retrying,
    }
}
