//! Writing jobs: a thousand in a statement, and each in a transaction of its own.

use crate::arguments::Arguments;
use crate::compare::{Contest, Stopwatch, Timed, compare};
use crate::database::Database;
use crate::floor::{self, Columns};
use crate::kinds::Work;
use crate::report::Report;
use crate::workers::CHUNK;
use shared::clock::Clock;
use shared::jobs::{enqueue, enqueue_many};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

/// Rows of a round in bulk for each job of a round of draining, and the other way round for single ones.
const FACTOR: usize = 4;

struct Enqueue<'a> {
    database: &'a Database,
    /// Rows of one statement; 1 stands for a transaction a job.
    chunk: usize,
    connections: Vec<PgConnection>,
}

pub async fn measure(database: &Database, arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    let (many, few) = (arguments.jobs() * FACTOR, arguments.jobs() / FACTOR);
    for (chunk, connections, jobs, aim) in [
        (CHUNK, 1, many, None),
        (CHUNK, 2, many, Some(100_000.0)),
        (1, 1, few, None),
        (1, arguments.connections, few * 2, None),
    ] {
        let name = match chunk {
            1 => format!("enqueue, a transaction each, {connections} connections"),
            _ => format!("enqueue, {chunk} in a statement, {connections} connections"),
        };
        let mut contest = Enqueue { database, chunk, connections: database.connections(connections).await? };
        let compared = compare(&mut contest, database, arguments.rounds(), jobs).await?;
        report.enqueue(&name, compared, aim);
    }
    database.clear().await
}

impl Enqueue<'_> {
    async fn start(&self) -> anyhow::Result<()> {
        self.database.clear().await?;
        self.database.calm().await
    }

    /// What each connection writes, statement by statement.
    fn chunks(&self, jobs: usize) -> Vec<usize> {
        let mine = jobs.div_ceil(self.connections.len().max(1));
        (0..mine).step_by(self.chunk).map(|start| self.chunk.min(mine - start)).collect()
    }

    async fn all<F>(&mut self, mut one: impl FnMut(PgConnection) -> F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<PgConnection>> + Send + 'static,
    {
        let mut loops = JoinSet::new();
        for connection in self.connections.drain(..) {
            loops.spawn(one(connection));
        }
        while let Some(ended) = loops.join_next().await {
            self.connections.push(ended??);
        }
        Ok(())
    }
}

impl Contest for Enqueue<'_> {
    async fn engine(&mut self, jobs: usize) -> anyhow::Result<Timed> {
        self.start().await?;
        let chunks = self.chunks(jobs);
        let watch = Stopwatch::start(self.database);
        self.all(|connection| by_engine(connection, chunks.clone())).await?;
        Ok(watch.stop())
    }

    async fn floor(&mut self, jobs: usize) -> anyhow::Result<Timed> {
        self.start().await?;
        let sizes = self.chunks(jobs);
        let mut ready: Vec<Vec<Columns>> = Vec::new();
        for _ in &self.connections {
            ready.push(sizes.iter().map(|size| Columns::of(Work::Nothing, *size)).collect());
        }
        let watch = Stopwatch::start(self.database);
        self.all(|connection| by_floor(connection, ready.pop().unwrap_or_default())).await?;
        Ok(watch.stop())
    }
}

async fn by_engine(mut connection: PgConnection, chunks: Vec<usize>) -> anyhow::Result<PgConnection> {
    let clock = Clock::default();
    for size in chunks {
        let mut tx = connection.begin().await?;
        if size == 1 {
            enqueue(&mut tx, Work::Nothing.job()?, &clock).await?;
        } else {
            let jobs = (0..size).map(|_| Work::Nothing.job()).collect::<Result<Vec<_>, _>>()?;
            enqueue_many(&mut tx, jobs, &clock).await?;
        }
        tx.commit().await?;
    }
    Ok(connection)
}

async fn by_floor(mut connection: PgConnection, chunks: Vec<Columns>) -> anyhow::Result<PgConnection> {
    for columns in chunks {
        let mut tx = connection.begin().await?;
        floor::enqueue(&mut tx, &columns).await?;
        tx.commit().await?;
    }
    Ok(connection)
}
