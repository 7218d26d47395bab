//! Being killed: nothing is lost, nothing is done twice.

use crate::hosts::{Client, Errand, eventually, say, slow_down, speed_up, state_folder, write_tasks};
use sqlx::{PgConnection, Row as _};
use std::path::Path;
use std::time::{Duration, Instant};

const JOBS: i64 = 200;
const TASKS: i32 = 500;

/// A lease, two ticks of the scheduler, and time for a busy machine to start and to do the rest.
const LIMIT: Duration = Duration::from_secs(60 + 2 * 5 + 20);

async fn count(db: &mut PgConnection, of: &'static str) -> i64 {
    sqlx::query_scalar(of).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn two_hundred_exports_survive_a_kill_and_none_is_done_twice() {
    let folder = state_folder();
    let first = Errand::up(folder.path(), &[]).await;
    let client = Client::new(first.address(), "ada@example.com").await;
    let mut db = first.database().await;
    write_tasks(&mut db, client.owner.unwrap(), TASKS).await;
    slow_down(&mut db, 0.5).await;
    for number in 0..JOBS {
        client.export(if number % 2 == 0 { "csv" } else { "json" }).await;
    }
    eventually("some are done and some are running", Duration::from_mins(1), async || {
        let done = count(&mut db, "select count(*) from jobs where state = 'succeeded'").await;
        let running = count(&mut db, "select count(*) from jobs where state = 'running'").await;
        (done > 0 && running > 0).then_some(())
    })
    .await;

    first.kill().await;
    let started = Instant::now();
    let second = Errand::up(folder.path(), &[]).await;
    let up = started.elapsed();
    let mut db = second.database().await;
    speed_up(&mut db).await;
    let left = count(&mut db, "select count(*) from jobs where state <> 'succeeded'").await;
    eventually("all exports are done", LIMIT, async || {
        let done = count(&mut db, "select count(*) from jobs where state = 'succeeded'").await;
        (done == JOBS).then_some(())
    })
    .await;

    let took = started.elapsed();
    assert!(left > JOBS / 2, "the kill came too late: {left} were left");
    let abandoned = each_export_is_there_once(&mut db, folder.path()).await;
    say(&format!(
        "hosts::up::crash: up {up:.1?} after the kill, {left} of {JOBS} exports left, {abandoned} of them abandoned; \
         all done after {took:.1?}"
    ));
    let client = client.at(second.address());
    for job in client.jobs().await.iter().step_by(20) {
        assert_eq!(job["result"]["rows"], TASKS);
        let file = client.get(job["result"]["url"].as_str().unwrap()).await;
        assert_eq!(
            (file.status, file.body.len()),
            (200, usize::try_from(job["result"]["bytes"].as_u64().unwrap()).unwrap())
        );
    }
    second.stop().await;
}

/// Each job has one row in `exports` and one file, and says how it came to its end; returns how many were abandoned.
async fn each_export_is_there_once(db: &mut PgConnection, state: &Path) -> usize {
    let rows = sqlx::query(
        "select jobs.attempt, jobs.epoch, jsonb_array_length(jobs.errors) as errors, count(exports.job_id) as exports,
            min(exports.object_key) as object_key
         from jobs left join exports on exports.job_id = jobs.id
         group by jobs.id",
    )
    .fetch_all(db)
    .await
    .unwrap();
    assert_eq!(rows.len(), usize::try_from(JOBS).unwrap());
    for row in &rows {
        let attempt: i32 = row.get("attempt");
        assert_eq!(row.get::<i64, _>("exports"), 1);
        // An abandoned attempt is counted, explained, and raised the epoch twice, as did the one that succeeded.
        assert_eq!(row.get::<i32, _>("errors"), attempt - 1);
        assert_eq!(row.get::<i32, _>("epoch"), attempt * 2);
        assert!(state.join("exports").join(row.get::<String, _>("object_key")).is_file());
    }
    assert!(rows.iter().all(|row| row.get::<i32, _>("attempt") <= 2));
    let abandoned = rows.iter().filter(|row| row.get::<i32, _>("attempt") == 2).count();
    assert!(abandoned > 0, "the kill met no running job");
    abandoned
}

#[tokio::test]
async fn a_killed_errand_leaves_a_folder_that_can_be_used_at_once() {
    let folder = state_folder();
    let first = Errand::up(folder.path(), &[]).await;
    Client::new(first.address(), "ada@example.com").await;

    first.kill().await;
    let second = Errand::up(folder.path(), &[]).await;

    Client::returning(second.address(), "ada@example.com").await;
    second.stop().await;
}
