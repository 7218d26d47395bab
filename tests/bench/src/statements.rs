//! How many statements PostgreSQL executed for the jobs of a round, as `pg_stat_statements` counts them.

use crate::database::Database;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection};

/// One statement of a round.
#[derive(Clone, Debug, Serialize)]
pub struct Statement {
    pub text: String,
    pub per_job: f64,
    /// Microseconds of execution, parsing and planning not counted.
    pub mean_us: f64,
    pub us_per_job: f64,
}

/// Has the extension loaded at the next start, where it is installed.
pub async fn ask_for_counts(connection: &mut PgConnection) -> anyhow::Result<bool> {
    let installed: Option<i32> =
        sqlx::query_scalar("select 1 from pg_available_extensions where name = 'pg_stat_statements'")
            .fetch_optional(&mut *connection)
            .await?;
    if installed.is_none() {
        return Ok(false);
    }
    sqlx::query("alter system set shared_preload_libraries = 'pg_stat_statements'").execute(connection).await?;
    Ok(true)
}

/// Starts or ends counting; between rounds it is off, so that it costs nothing.
pub async fn counting(database: &Database, on: bool) -> anyhow::Result<()> {
    if !database.counts_statements() {
        return Ok(());
    }
    let mut observer = database.observer().await;
    let track = if on { "top" } else { "none" };
    sqlx::query(AssertSqlSafe(format!("alter system set pg_stat_statements.track = '{track}'")))
        .execute(&mut *observer)
        .await?;
    sqlx::query("select pg_reload_conf()").execute(&mut *observer).await?;
    loop {
        let now: String =
            sqlx::query_scalar("select current_setting('pg_stat_statements.track')").fetch_one(&mut *observer).await?;
        if now == track {
            break;
        }
    }
    Ok(())
}

/// Begins to count from nothing.
pub async fn forget(observer: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("/* observer */ select pg_stat_statements_reset()").execute(observer).await?;
    Ok(())
}

/// Returns how many pages a statement touched since, on average: a cost that does not depend on who else uses the
/// machine.
pub async fn pages(database: &Database) -> anyhow::Result<Option<f64>> {
    if !database.counts_statements() {
        return Ok(None);
    }
    let mut observer = database.observer().await;
    let pages = sqlx::query_scalar(
        "/* observer */ select sum(shared_blks_hit + shared_blks_read)::float8 / nullif(sum(calls)::float8, 0)
        from pg_stat_statements
        where query not like '%observer%' and query not like '%pg_stat_statements%'",
    )
    .fetch_one(&mut *observer)
    .await?;
    forget(&mut observer).await?;
    Ok(pages)
}

/// Returns what was executed since, the most expensive first.
pub async fn counted(database: &Database, jobs: usize) -> anyhow::Result<Vec<Statement>> {
    if !database.counts_statements() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, f64, f64, f64)> = sqlx::query_as(
        "/* observer */ select
            regexp_replace(query, '\\s+', ' ', 'g'), calls::float8 / $1, mean_exec_time * 1e3, total_exec_time * 1e3 / $1
        from pg_stat_statements
        where query not like '%observer%' and query not like '%pg_stat_statements%'
        order by total_exec_time desc",
    )
    .bind(crate::compare::float(jobs))
    .fetch_all(&mut *database.observer().await)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(text, per_job, mean_us, us_per_job)| Statement { text, per_job, mean_us, us_per_job })
        .collect())
}
