//! What the statements for many jobs cost, whatever the planner believes: with statistics of a table where nothing ran,
//! with a plan for any parameters and with one for these. The latter may well read a small table from end to end; what
//! it may not do is to compare each row with each.

use crate::support::postgres;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

const SETTLE: &str = include_str!("../../../shared/src/jobs/settle.sql");
const HEARTBEAT: &str = include_str!("../../../shared/src/jobs/heartbeat.sql");
const WAKE: &str = include_str!("../../../shared/src/jobs/wake.sql");
const CLAIM_DUE: &str = include_str!("../../../shared/src/jobs/claim_due.sql");

/// Rows of one statement.
const ROWS: u64 = 500;

/// Rows of the table.
const TABLE: u64 = 30_000;

/// How the planner may plan, and how many rows it may touch then.
const MODES: [(&str, u64); 2] = [("force_generic_plan", 20 * ROWS), ("force_custom_plan", 20 * ROWS + 2 * TABLE)];

#[tokio::test]
async fn ends_are_written_with_work_in_proportion_to_their_number() {
    let mut db = running().await;
    let parameters = "(uuid[], int4[], text[], jsonb[], text[], float8[], float8, float8, bool[], float8[])";
    let arguments = "ids, epochs, array_fill('done'::text, array[500]), array_fill('null'::jsonb, array[500]),
        array_fill(null::text, array[500]), array_fill(0::float8, array[500]), 0, 120,
        array_fill(false, array[500]), array_fill(0::float8, array[500])";

    for (mode, most) in MODES {
        let touched = touched(&mut db, SETTLE, mode, parameters, arguments).await;

        assert!(touched <= most, "{mode}: {touched} rows were touched for {ROWS} ends");
    }
}

#[tokio::test]
async fn leases_are_kept_with_work_in_proportion_to_their_number() {
    let mut db = running().await;
    let parameters = "(uuid[], int4[], float8[], int2[], float8)";
    let arguments = "ids, epochs, array_fill(60::float8, array[500]), array_fill(null::int2, array[500]), 0";

    for (mode, most) in MODES {
        let touched = touched(&mut db, HEARTBEAT, mode, parameters, arguments).await;

        assert!(touched <= most, "{mode}: {touched} rows were touched for {ROWS} leases");
    }
}

#[tokio::test]
async fn alarms_are_rung_with_work_in_proportion_to_their_number() {
    let mut db = running().await;
    // The others were told, and are to be told again in an hour.
    postgres::run(&mut db, "update jobs set wake_at = now() + interval '1 hour' where state = 'available'").await;

    for (mode, _) in MODES {
        let parameters = "(float8, int8, float8, float8, float8, text, float8)";
        let touched = touched(&mut db, WAKE, mode, parameters, "120, 500, 60, 120, 900, 'abandoned', 60").await;

        // Either way it may be cheaper to read a table as small as this once.
        assert!(touched <= 20 * ROWS + 2 * TABLE, "{mode}: {touched} rows were touched for {ROWS} alarms");
    }
}

#[tokio::test]
async fn jobs_are_claimed_with_work_in_proportion_to_their_number() {
    let mut db = running().await;

    for (mode, most) in MODES {
        let parameters = "(text[], int2[], float8[], float8, int8, int2, timestamptz)";
        let arguments = "'{probe}', '{1}', '{60}', 0, 500, -32768, '1970-01-01'";
        let touched = touched(&mut db, CLAIM_DUE, mode, parameters, arguments).await;

        assert!(touched <= most, "{mode}: {touched} rows were touched for {ROWS} jobs");
    }
}

/// A database with many waiting jobs, as its statistics say, of which some run.
async fn running() -> PgConnection {
    let mut db = postgres::connect(&postgres::database().await).await;
    for statement in [
        "insert into jobs
             (id, kind, version, payload, state, run_at, turn, attempt, max_attempts, wake_at, created_at)
         select gen_random_uuid(), 'probe', 1, '1', 'available', now(), now(), 0, 3, now(), now()
         from generate_series(1, 30000)",
        "vacuum analyze jobs",
        "create table asked as select id from jobs limit 500",
        "update jobs set state = 'running', epoch = 1, attempt = 1, started_at = now() where id in (select id from asked)",
    ] {
        postgres::run(&mut db, statement).await;
    }
    db
}

/// Runs a statement and takes it back; returns how many rows its plan handled, those it threw away included.
async fn touched(db: &mut PgConnection, statement: &str, mode: &str, parameters: &str, arguments: &str) -> u64 {
    // The arguments are subqueries' values: `execute` takes no column.
    let values: String = sqlx::query_scalar("select format('%L, %L', array_agg(id), array_agg(1)) from asked")
        .fetch_one(&mut *db)
        .await
        .unwrap();
    let arguments = arguments.replace("ids, epochs", &values);
    for setup in [
        format!("set plan_cache_mode = {mode}"),
        format!("prepare step {parameters} as {statement}"),
        "begin".to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(setup)).execute(&mut *db).await.unwrap();
    }
    let explain = format!("explain (analyze, format json) execute step ({arguments})");
    let plan: Value =
        sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut *db).await.map(|row| sqlx::Row::get(&row, 0)).unwrap();
    for statement in ["rollback", "deallocate step"] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *db).await.unwrap();
    }
    assert_eq!(plan[0]["Plan"]["Actual Rows"], ROWS);
    handled(&plan[0]["Plan"])
}

fn handled(node: &Value) -> u64 {
    let number = |name: &str| node[name].as_u64().unwrap_or_default();
    let thrown_away = number("Rows Removed by Filter") + number("Rows Removed by Join Filter");
    let own = (number("Actual Rows") + thrown_away) * number("Actual Loops");
    own + node["Plans"].as_array().into_iter().flatten().map(handled).sum::<u64>()
}
