//! Being stopped: no accepted request is cut, running jobs finish or go back.

use crate::hosts::{Client, Errand, eventually, slow_down, state_folder, write_tasks};
use crate::support::postgres;
use shared::clock::Clock;
use shared::exports::{ExportTasks, Format};
use shared::jobs::{self, NewJob};
use shared::tasks::Filter;
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(20);

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Row {
    state: String,
    attempt: i32,
}

async fn row(db: &mut PgConnection) -> Row {
    sqlx::query_as("select state, attempt from jobs").fetch_one(db).await.unwrap()
}

async fn is_running(db: &mut PgConnection) {
    eventually("the job runs", SOON, async || (row(db).await.state == "running").then_some(())).await;
}

/// Errand on a database of the test's server, which outlives it, and a client of it.
async fn start(state: &tempfile::TempDir) -> (Errand, Client, PgConnection) {
    let url = postgres::database().await;
    let errand = Errand::up(state.path(), &[("DATABASE_URL", &url)]).await;
    let client = Client::new(errand.address(), "ada@example.com").await;
    (errand, client, postgres::connect(&url).await)
}

#[tokio::test]
async fn a_request_under_way_is_answered() {
    let folder = state_folder();
    let (errand, client, mut db) = start(&folder).await;
    let mut blocker = db.begin().await.unwrap();
    postgres::run(&mut blocker, "lock table users in access exclusive mode").await;

    let stop = async {
        eventually("the login waits", SOON, async || {
            let waiting = "select count(*) from pg_locks where relation = 'users'::regclass and not granted";
            let count: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *blocker).await.unwrap();
            (count == 1).then_some(())
        })
        .await;
        errand.signal("TERM");
        errand.says("Stopping").await;
        blocker.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(client.log_in_answer("ada@example.com"), stop);

    answer.json(200);
    let mut errand = errand;
    assert_eq!(errand.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_request_that_waits_for_a_job_is_answered_at_once() {
    let folder = state_folder();
    let (mut errand, client, mut db) = start(&folder).await;
    let export = ExportTasks { format: Format::Csv, filter: Filter::default() };
    let clock = Clock::default();
    let tomorrow = clock.now() + Duration::from_hours(24);
    let job = NewJob::new(&export).unwrap().owned_by(client.owner.unwrap()).at(tomorrow);
    let job = jobs::enqueue(&mut db, job, &clock).await.unwrap().row.id;
    let path = format!("/v1/jobs/{job}?wait=20");

    let stop = async {
        eventually("the request has looked", SOON, async || {
            let looked = "select count(*) from pg_stat_activity
                          where datname = current_database() and query like '%where owner_id = $1 and id = $2%'
                              and pid <> pg_backend_pid()";
            let count: i64 = sqlx::query_scalar(looked).fetch_one(&mut db).await.unwrap();
            (count > 0).then_some(())
        })
        .await;
        let stopped = Instant::now();
        errand.signal("TERM");
        let status = errand.ended().await;
        (status, stopped.elapsed())
    };
    let (answer, (status, took)) = tokio::join!(client.get(&path), stop);

    assert_eq!((answer.json(200)["state"].as_str(), status.code()), (Some("available"), Some(0)));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_running_job_finishes_before_the_end() {
    let folder = state_folder();
    let (mut errand, client, mut db) = start(&folder).await;
    slow_down(&mut db, 1.0).await;
    client.export("csv").await;
    is_running(&mut db).await;

    errand.signal("INT");
    let status = errand.ended().await;

    assert_eq!(status.code(), Some(0));
    assert_eq!(row(&mut db).await, Row { state: "succeeded".to_owned(), attempt: 1 });
}

#[tokio::test]
async fn a_job_that_takes_too_long_goes_back_and_keeps_its_attempts() {
    let folder = state_folder();
    let (mut errand, client, mut db) = start(&folder).await;
    write_tasks(&mut db, client.owner.unwrap(), 100_000).await;
    slow_down(&mut db, 1.0).await;
    client.export("csv").await;
    is_running(&mut db).await;

    let started = Instant::now();
    errand.signal("TERM");
    let status = errand.ended().await;

    assert_eq!(status.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    assert_eq!(row(&mut db).await, Row { state: "available".to_owned(), attempt: 0 });
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = state_folder();
    let (mut errand, client, mut db) = start(&folder).await;
    slow_down(&mut db, 15.0).await;
    client.export("csv").await;
    is_running(&mut db).await;

    let started = Instant::now();
    errand.signal("TERM");
    errand.says("Stopping").await;
    errand.signal("TERM");
    let status = errand.ended().await;

    assert_eq!(status.code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    insta::assert_snapshot!(
        errand.stderr(),
        @"errand: ended by a second signal; jobs that were running are rescued at the next start"
    );
    assert_eq!(row(&mut db).await, Row { state: "running".to_owned(), attempt: 1 });
}

#[tokio::test]
async fn a_statement_that_hangs_does_not_hold_up_the_end() {
    let folder = state_folder();
    let (mut errand, client, mut db) = start(&folder).await;
    slow_down(&mut db, 19.0).await;
    client.export("csv").await;
    is_running(&mut db).await;

    let started = Instant::now();
    errand.signal("TERM");
    let status = errand.ended().await;

    assert_eq!(status.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(14), "{:?}", started.elapsed());
    assert_eq!(row(&mut db).await, Row { state: "available".to_owned(), attempt: 0 });
}
