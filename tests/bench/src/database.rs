//! A PostgreSQL of this run's own, as durable as one in production.

use crate::cpu::Meter;
use crate::statements;
use local_postgres::{Durability, Options, Search, Server};
use serde::Serialize;
use shared::config::{DatabaseConfig, DatabaseSource};
use shared::db::Db;
use shared::migrations::MIGRATOR;
use shared::secrets::Secrets;
use sqlx::{Connection as _, PgConnection};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;

/// What jobs with effects write to.
const TABLES: &str = "
    create table bench_effects (job_id uuid primary key, at timestamptz not null default now());
    create table bench_counters (id int primary key, value bigint not null) with (fillfactor = 50);
    insert into bench_counters select id, 0 from generate_series(0, 999) as id;";

/// Empties the tables; the next round finds them as the first did.
const CLEAR: &str = "
    truncate jobs cascade;
    truncate bench_effects, bench_counters;
    insert into bench_counters select id, 0 from generate_series(0, 999) as id;";

pub struct Database {
    server: Server,
    url: String,
    pub meter: Meter,
    /// Looks on while others are measured; its statements are marked and not counted.
    observer: Mutex<PgConnection>,
    counts_statements: bool,
}

/// What was measured on.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    pub postgres: String,
    pub settings: Vec<(String, String)>,
    pub counts_statements: bool,
}

impl Database {
    pub async fn start(parent: &Path, search: Search) -> anyhow::Result<Self> {
        let options = Options { durability: Durability::Durable, ..Options::throwaway(parent, search)? };
        let mut server = Server::start(options).await?;
        let mut connection = PgConnection::connect(&server.url("postgres")).await?;
        let counts_statements = statements::ask_for_counts(&mut connection).await?;
        sqlx::query("create database bench").execute(&mut connection).await?;
        connection.close().await?;
        if counts_statements {
            // A library is only loaded at a start, and an orderly stop would remove the data.
            server.kill().await?;
            server.start_again().await?;
        }

        let url = server.url("bench");
        let mut observer = PgConnection::connect(&url).await?;
        MIGRATOR.run(&mut observer).await?;
        sqlx::raw_sql(TABLES).execute(&mut observer).await?;
        if counts_statements {
            sqlx::query("create extension pg_stat_statements").execute(&mut observer).await?;
        }
        let meter = Meter::beside(&mut observer).await?;
        let database = Self { server, url, meter, observer: Mutex::new(observer), counts_statements };
        statements::counting(&database, false).await?;
        Ok(database)
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.observer.into_inner().close().await?;
        self.server.stop().await?;
        Ok(())
    }

    pub async fn describe(&self) -> anyhow::Result<Setting> {
        let wanted = ["fsync", "synchronous_commit", "full_page_writes", "shared_buffers"].map(str::to_owned);
        let settings = sqlx::query_as("select name, current_setting(name) from unnest($1::text[]) as name")
            .bind(wanted.as_slice())
            .fetch_all(&mut *self.observer.lock().await)
            .await?;
        let postgres = self.server.version().to_string();
        Ok(Setting { postgres, settings, counts_statements: self.counts_statements })
    }

    /// A handle as the functions have it.
    pub fn handle(&self, pool_size: usize) -> Db {
        let pool_size = u32::try_from(pool_size).unwrap_or(u32::MAX);
        let config = DatabaseConfig { source: DatabaseSource::Url(self.url.as_str().into()), pool_size };
        Db::new(config, Secrets::new(Arc::default()))
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Bare connections with the session settings of the functions.
    pub async fn connections(&self, count: usize) -> anyhow::Result<Vec<PgConnection>> {
        let options = self.handle(1).connect_options().await?;
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(PgConnection::connect_with(&options).await?);
        }
        Ok(connections)
    }

    pub async fn observer(&self) -> tokio::sync::MutexGuard<'_, PgConnection> {
        self.observer.lock().await
    }

    pub fn counts_statements(&self) -> bool {
        self.counts_statements
    }

    pub async fn clear(&self) -> anyhow::Result<()> {
        sqlx::raw_sql(CLEAR).execute(&mut *self.observer.lock().await).await?;
        Ok(())
    }

    /// Makes each round start alike: statistics are fresh, and nothing of the preparation is left to be written.
    pub async fn calm(&self) -> anyhow::Result<()> {
        let mut observer = self.observer.lock().await;
        for statement in ["vacuum analyze jobs", "analyze bench_counters", "checkpoint"] {
            sqlx::query(statement).execute(&mut *observer).await?;
        }
        if self.counts_statements {
            statements::forget(&mut observer).await?;
        }
        Ok(())
    }

    /// Tells whether a job is left that has not ended.
    pub async fn is_busy(&self) -> anyhow::Result<bool> {
        let busy = sqlx::query_scalar("/* observer */ select exists (select from jobs where wake_at is not null)");
        Ok(busy.fetch_one(&mut *self.observer.lock().await).await?)
    }

    /// Fails unless exactly this many jobs succeeded, and each left its effects exactly once.
    pub async fn verify(&self, jobs: usize, with_effects: bool) -> anyhow::Result<()> {
        let (succeeded, effects, counted): (i64, i64, i64) = sqlx::query_as(
            "/* observer */ select
                (select count(*) from jobs where state = 'succeeded'),
                (select count(*) from bench_effects),
                (select sum(value)::bigint from bench_counters)",
        )
        .fetch_one(&mut *self.observer.lock().await)
        .await?;
        let jobs = i64::try_from(jobs)?;
        let wanted = if with_effects { (jobs, jobs, jobs) } else { (jobs, 0, 0) };
        anyhow::ensure!(
            (succeeded, effects, counted) == wanted,
            "{jobs} jobs were drained, but {succeeded} succeeded, with {effects} rows and a count of {counted}"
        );
        Ok(())
    }
}
