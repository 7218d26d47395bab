//! Exports of any size: streamed, with little memory and without a long-lived snapshot.

use crate::hosts::{Client, Errand, eventually, say, state_folder, write_tasks};
use crate::support::postgres;
use sqlx::PgConnection;
use std::fs;
use std::time::{Duration, Instant};

const TASKS: i32 = 200_000;

/// Above what the process has when it is idle.
pub const MEMORY_LIMIT_KIB: u64 = 64 * 1024;

/// The longest that a transaction, and so its snapshot, may be open: a page takes less on the busiest machine, and an
/// export in one transaction takes more.
const SNAPSHOT_LIMIT: f64 = 5.0;

#[tokio::test]
async fn two_hundred_thousand_tasks_are_exported_in_little_memory() {
    let folder = state_folder();
    let url = postgres::database().await;
    let errand = Errand::up(folder.path(), &[("DATABASE_URL", &url)]).await;
    let client = Client::new(errand.address(), "ada@example.com").await;
    let mut db = postgres::connect(&url).await;
    let small = client.export("csv").await;
    client.result(&small).await;
    write_tasks(&mut db, client.owner.unwrap(), TASKS).await;
    let Some(idle) = kib(errand.pid(), "VmRSS:") else {
        return say("hosts::up::memory: NOT MEASURED: this system tells nothing about the memory of processes");
    };

    for format in ["csv", "json"] {
        forget_peak(errand.pid());
        let started = Instant::now();
        let job = client.export(format).await;
        let oldest = watch_snapshots(&mut db, &client, &job).await;
        let exported = started.elapsed();
        let result = client.result(&job).await;
        let file = client.get(result["url"].as_str().unwrap()).await;
        let more = kib(errand.pid(), "VmHWM:").unwrap().saturating_sub(idle);

        say(&format!(
            "hosts::up::memory: {TASKS} tasks as {format}, {} bytes: made in {exported:.1?}, downloaded after {:.1?}; \
             {more} KiB above the idle {idle} KiB; the oldest transaction was open for {oldest:.2} s",
            result["bytes"],
            started.elapsed(),
        ));
        assert_eq!((&result["rows"], &result["bytes"]), (&TASKS.into(), &file.body.len().into()));
        assert!(more < MEMORY_LIMIT_KIB, "{more} KiB");
        assert!(oldest < SNAPSHOT_LIMIT, "{oldest} s");
    }
    errand.stop().await;
}

/// Waits until the job has succeeded, and returns the age of the oldest transaction that was open meanwhile.
async fn watch_snapshots(db: &mut PgConnection, client: &Client, job: &str) -> f64 {
    let ages = "select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8
                from pg_stat_activity
                where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()";
    let mut oldest: f64 = 0.0;
    eventually("the export is there", Duration::from_mins(5), async || {
        let age: f64 = sqlx::query_scalar(ages).fetch_one(&mut *db).await.unwrap();
        oldest = oldest.max(age);
        let job = client.get(&format!("/v1/jobs/{job}")).await.json(200);
        (job["state"] == "succeeded").then_some(())
    })
    .await;
    oldest
}

/// What the kernel says of the process's memory, where there is a `/proc`.
pub fn kib(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Lets the peak count from now on.
pub fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}
