//! One SQS batch: decoded record by record, claimed in one statement, run side by side, answered with what SQS must
//! deliver again.

mod records;
mod redelivery;

pub use records::LookNow;

use crate::{State, Worker};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use records::Records;
use shared::clock::sleep_until;
use shared::db::DbError;
use shared::ids::JobId;
use shared::jobs::{Claims, End, HORIZON, Notice, Other, Shift, Unclaimed};
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// Jobs due within this time are waited for; messages of later ones are sent again.
const WORTH_WAITING: Duration = Duration::from_secs(2);

/// With less time than this left, nothing is started: its messages are sent again at once.
const WORTH_STARTING: Duration = Duration::from_secs(3);

/// A row that is locked at this moment is looked at again after this, then after twice as long, ...
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// ... this many times.
const LOCK_LOOKS: u32 = 5;

/// When another look at a row that stays locked is asked for.
const LOCKED_AGAIN: Duration = Duration::from_secs(5);

/// The shortest delay of a message that is sent again for lack of time: whoever gets it may be as short of time.
const SHORTEST_AGAIN: Duration = Duration::from_secs(1);

/// How long a batch insists on writing ends while the database is away, before it leaves them to redelivery.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs the jobs that a batch of messages names. A message is reported for redelivery only when its body cannot be read
/// (redelivery takes it to the dead-letter queue, as evidence), or when the database could not be reached for its job.
pub async fn handle_batch(worker: &Worker, event: SqsEvent, deadline: Instant) -> SqsBatchResponse {
    handle_batch_until(worker, event, deadline, std::future::pending()).await
}

/// As [`handle_batch`], for a host that may be stopped: when `stop` is done, running jobs go back as if these attempts
/// had not been.
pub async fn handle_batch_until(
    worker: &Worker,
    event: SqsEvent,
    deadline: Instant,
    stop: impl Future<Output = ()> + Send,
) -> SqsBatchResponse {
    let started = Instant::now();
    let records = Records::decode(event.records);
    let mut batch = Batch::new(worker, deadline, records.jobs());
    batch.run(stop).await;
    worker.runner.notifier().notify(batch.again.iter().cloned()).await;
    if !batch.ends.is_empty() {
        worker.runner.announce().await;
    }
    worker.state.db.settle().await;
    worker.runner.settle().await;
    batch.log(&records, started);

    let failures = records.failures(&batch.unreached);
    redelivery::hurry(worker.runner.notifier(), &failures).await;
    let mut response = SqsBatchResponse::default();
    for record in failures {
        response.add_failure(record.message_id.clone().unwrap_or_default());
    }
    response
}

struct Batch<'a> {
    worker: &'a Worker,
    deadline: Instant,
    /// Jobs to claim, each at its time.
    pending: Vec<(Instant, JobId)>,
    /// Jobs whose row was locked, and how often.
    locked: HashMap<JobId, u32>,
    /// Jobs that were in a crash: each runs alone, after all the others.
    suspects: VecDeque<JobId>,
    /// Messages to send again.
    again: Vec<Notice>,
    /// Jobs for which the database could not be reached.
    unreached: HashSet<JobId>,
    /// How the attempts of this batch ended.
    ends: HashMap<JobId, End>,
}

impl<'a> Batch<'a> {
    fn new(worker: &'a Worker, deadline: Instant, jobs: Vec<JobId>) -> Self {
        let now = Instant::now();
        Self {
            worker,
            deadline,
            pending: jobs.into_iter().map(|job| (now, job)).collect(),
            locked: HashMap::new(),
            suspects: VecDeque::new(),
            again: Vec::new(),
            unreached: HashSet::new(),
            ends: HashMap::new(),
        }
    }

    async fn run(&mut self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let mut stopped = false;
        let runner = &self.worker.runner;
        let mut company = self.in_time(runner.in_company(), stop.as_mut()).await;
        if company.is_none() {
            return self.ask_again(Instant::now());
        }
        let mut solitude = None;
        let mut shift = runner.shift(Some(self.deadline), PATIENCE);
        loop {
            let ready = self.take_ready();
            if !ready.is_empty() {
                let claimed_at = Instant::now();
                let claims = runner.claim(&ready).await;
                self.take(claims, &ready, claimed_at, &mut shift);
            }
            if self.pending.is_empty() && shift.is_idle() {
                let Some(suspect) = self.suspects.pop_front() else { break };
                if company.take().is_some() {
                    solitude = self.in_time(runner.alone(), stop.as_mut()).await;
                }
                if solitude.is_none() {
                    self.suspects.push_front(suspect);
                    return self.ask_again(Instant::now());
                }
                let claimed_at = Instant::now();
                let claims = runner.claim_alone(suspect).await;
                self.take(claims, &[suspect], claimed_at, &mut shift);
                continue;
            }
            let next = self.pending.iter().map(|(at, _)| *at).min();
            tokio::select! {
                ends = shift.turn(), if !shift.is_idle() => self.note(ends),
                () = sleep_until(next) => {}
                () = &mut stop, if !stopped => {
                    stopped = true;
                    shift.release();
                    self.ask_again(Instant::now());
                }
            }
        }
    }

    /// Waits for something; `None` when the host stops before, or too little time is left.
    async fn in_time<T>(
        &self,
        wanted: impl Future<Output = T>,
        stop: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Option<T> {
        tokio::select! {
            there = wanted => Some(there),
            () = stop => None,
            () = sleep_until(self.deadline.checked_sub(WORTH_STARTING)) => None,
        }
    }

    fn take(
        &mut self,
        claims: Result<Claims, DbError>,
        asked: &[JobId],
        claimed_at: Instant,
        shift: &mut Shift<State>,
    ) {
        match claims {
            Ok(claims) => {
                shift.start(claims.claimed, claimed_at);
                for (job, reason) in claims.unclaimed {
                    self.set_aside(&job, reason);
                }
            }
            Err(error) => {
                tracing::warn!(
                    error = format!("{:#}", anyhow::Error::new(error)),
                    jobs = asked.len(),
                    "{} jobs could not be claimed, their messages will be delivered again",
                    asked.len(),
                );
                self.unreached.extend(asked);
            }
        }
    }

    /// Gives up on everything that has not started.
    fn ask_again(&mut self, now: Instant) {
        for (at, job) in std::mem::take(&mut self.pending) {
            self.again.push(Notice::again(job, at.saturating_duration_since(now).max(SHORTEST_AGAIN)));
        }
        self.again.extend(self.suspects.drain(..).map(|job| Notice::again(job, SHORTEST_AGAIN)));
    }

    /// Takes the jobs whose time has come; those that no longer fit the time that is left are asked for again.
    fn take_ready(&mut self) -> Vec<JobId> {
        let now = Instant::now();
        if self.deadline.saturating_duration_since(now) < WORTH_STARTING {
            self.ask_again(now);
        }
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(|(at, _)| *at <= now);
        self.pending = waiting;
        ready.into_iter().map(|(_, job)| job).collect()
    }

    fn set_aside(&mut self, job: &Other, reason: Unclaimed) {
        let id = job.id;
        let again = match reason {
            Unclaimed::Finished | Unclaimed::Leased | Unclaimed::Missing => return,
            Unclaimed::Exhausted => {
                tracing::error!(
                    error.code = "job_abandoned",
                    job.id = %id,
                    "Job {id} failed for good: its last attempt was abandoned",
                );
                return;
            }
            Unclaimed::Cancelled => {
                tracing::info!(job.id = %id, "Job {id} is cancelled; its worker had abandoned it");
                return;
            }
            // Its alarm rings again, and more and more rarely: a message for each look would go round for ever.
            Unclaimed::Unsupported => {
                tracing::warn!(job.id = %id, "Job {id} is of a kind or version that this build does not know");
                return;
            }
            Unclaimed::Suspect => {
                self.suspects.push_back(id);
                return;
            }
            Unclaimed::NotDue(wait) if wait <= WORTH_WAITING => {
                self.pending.push((Instant::now() + wait, id));
                return;
            }
            Unclaimed::Locked => {
                let looks = self.locked.entry(id).or_default();
                *looks += 1;
                if *looks <= LOCK_LOOKS {
                    self.pending.push((Instant::now() + LOCK_PAUSE * 2_u32.pow(*looks - 1), id));
                    return;
                }
                LOCKED_AGAIN
            }
            // Its alarm rings at its time; a message would have to be sent again every 15 minutes until then.
            Unclaimed::NotDue(wait) if wait > HORIZON => return,
            Unclaimed::NotDue(wait) => wait,
        };
        self.again.push(job.again(again));
    }

    fn note(&mut self, ends: Vec<(JobId, End)>) {
        for (job, end) in ends {
            if end == End::Unwritten {
                self.unreached.insert(job);
            }
            self.ends.insert(job, end);
        }
    }

    fn log(&self, records: &Records, started: Instant) {
        let count = |wanted: End| self.ends.values().filter(|end| **end == wanted).count();
        tracing::info!(
            log_type = "access",
            batch.records = records.len(),
            batch.undecodable = records.undecodable(),
            batch.unreached = self.unreached.len(),
            batch.again = self.again.len(),
            jobs.run = self.ends.len(),
            jobs.succeeded = count(End::Succeeded),
            jobs.failed = count(End::Failed),
            jobs.retrying = count(End::Retrying),
            jobs.snoozed = count(End::Snoozed),
            jobs.continued = count(End::Continued),
            jobs.cancelled = count(End::Cancelled),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "Batch of {} messages done",
            records.len(),
        );
    }
}
