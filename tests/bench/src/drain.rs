//! Working off a backlog: by looking for what is due, as a worker without a queue does, and by batches of messages.

use crate::arguments::Arguments;
use crate::compare::{Contest, Stopwatch, Timed, compare};
use crate::database::Database;
use crate::kinds::{self, Work};
use crate::report::Report;
use crate::workers::{LocalHost, drained, far_away, write};
use crate::{cpu, floor};
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use shared::ids::JobId;
use sqlx::PgConnection;

/// How a worker hears of jobs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Path {
    /// It looks for what is due, into as many places as a claim may take.
    Due,
    /// Batches of messages name them, one batch after the other.
    Batches,
}

/// The engine's own connections besides those of its jobs; the floor's for jobs without effects.
const ENGINE_CONNECTIONS: usize = 2;

struct Drain<'a> {
    database: &'a Database,
    path: Path,
    work: Work,
    per_claim: usize,
    host: LocalHost,
    connections: Vec<PgConnection>,
    memory: Option<f64>,
}

pub async fn measure(database: &Database, arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    for path in [Path::Due, Path::Batches] {
        for work in [Work::Nothing, Work::Effects, Work::AtOnce] {
            for per_claim in arguments.per_claim() {
                let mut drain = Drain::new(database, arguments, path, work, per_claim).await?;
                let jobs = jobs(arguments, work, per_claim);
                let compared = compare(&mut drain, database, arguments.rounds(), jobs).await?;
                report.drain(&drain.name(), work, per_claim, compared, drain.memory);
                drain.host.close().await;
            }
        }
    }
    Ok(())
}

/// Rounds take about as long as each other: what is slower has fewer jobs.
fn jobs(arguments: &Arguments, work: Work, per_claim: usize) -> usize {
    let jobs = arguments.jobs();
    match (work, per_claim) {
        (_, ..10) => jobs / 5,
        (Work::Nothing, 100..) => jobs * 4,
        _ => jobs,
    }
    .max(1)
}

impl<'a> Drain<'a> {
    async fn new(
        database: &'a Database,
        arguments: &Arguments,
        path: Path,
        work: Work,
        per_claim: usize,
    ) -> anyhow::Result<Self> {
        let for_jobs = per_claim.min(arguments.connections);
        let of_floor = if work == Work::Nothing { per_claim.min(ENGINE_CONNECTIONS) } else { for_jobs };
        let host = LocalHost::new(database, for_jobs)?;
        let connections = database.connections(of_floor).await?;
        Ok(Self { database, path, work, per_claim, host, connections, memory: None })
    }

    fn name(&self) -> String {
        let what = match self.work {
            Work::Nothing => "no-op",
            Work::Effects => "insert + update",
            Work::AtOnce => "insert + update + end at once",
        };
        let how = match self.path {
            Path::Due => "what is due",
            Path::Batches => "messages",
        };
        format!("{what}, {how}, {} a claim", self.per_claim)
    }

    async fn backlog(&self, jobs: usize) -> anyhow::Result<Vec<JobId>> {
        self.database.clear().await?;
        let ids = write(self.database, jobs, || self.work.job()).await?;
        self.database.calm().await?;
        kinds::reset();
        Ok(ids)
    }

    async fn check(&self, jobs: usize) -> anyhow::Result<()> {
        self.database.verify(jobs, self.work != Work::Nothing).await
    }
}

impl Contest for Drain<'_> {
    async fn engine(&mut self, jobs: usize) -> anyhow::Result<Timed> {
        let ids = self.backlog(jobs).await?;
        cpu::reset_memory();
        let watch = Stopwatch::start(self.database);
        let timed = match self.path {
            Path::Due => {
                let until_drained = async {
                    drained(self.database, jobs).await?;
                    Ok(watch.stop())
                };
                self.host.serve_during(self.per_claim, until_drained).await?
            }
            Path::Batches => {
                for batch in ids.chunks(self.per_claim) {
                    let event = event(batch)?;
                    // Boxed: it holds the futures of everything that a batch does.
                    let answer = Box::pin(worker::handle_batch(&self.host.worker, event, far_away())).await;
                    anyhow::ensure!(answer.batch_item_failures.is_empty(), "messages were to be delivered again");
                }
                watch.stop()
            }
        };
        self.memory = cpu::memory().map(|now| self.memory.map_or(now, |before| before.max(now)));
        self.check(jobs).await?;
        Ok(timed)
    }

    async fn floor(&mut self, jobs: usize) -> anyhow::Result<Timed> {
        let ids: Vec<_> = self.backlog(jobs).await?.into_iter().map(|id| id.0).collect();
        let watch = Stopwatch::start(self.database);
        match self.path {
            Path::Due => floor::drain_due(&mut self.connections, self.work, self.per_claim).await?,
            Path::Batches => {
                floor::drain_batches(&mut self.connections, self.work, &ids, self.per_claim).await?;
            }
        }
        let timed = watch.stop();
        self.check(jobs).await?;
        Ok(timed)
    }
}

fn event(jobs: &[JobId]) -> serde_json::Result<SqsEvent> {
    let message = |job: &JobId| {
        let mut message = SqsMessage::default();
        message.message_id = Some(job.to_string());
        message.body = Some(serde_json::to_string(&serde_json::json!({ "job": job }))?);
        Ok(message)
    };
    let mut event = SqsEvent::default();
    event.records = jobs.iter().map(message).collect::<serde_json::Result<_>>()?;
    Ok(event)
}
