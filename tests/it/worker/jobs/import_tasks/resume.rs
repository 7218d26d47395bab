//! Every row exactly once: workers that die, answers that are lost, attempts that are late or out of time.

use crate::api::imports::upload;
use crate::support::app::event;
use crate::support::{Actor, TestApp};
use serde_json::json;
use shared::ids::JobId;
use shared::jobs::{End, State};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Four batches, and a row that is refused in each.
const ROWS: i64 = 2_000;
const REFUSED: i64 = 4;

/// Longer than any lease, and than the pause before a retry.
const LONG: Duration = Duration::from_mins(2);

#[tokio::test]
async fn a_worker_that_dies_after_each_batch_loses_and_doubles_nothing() {
    for format in ["csv", "json", "ndjson"] {
        let app = TestApp::new().await;
        let ada = app.actor().await;
        let job = start(&ada, format).await;
        let mut deaths = 0;

        while app.job(job).await.state != State::Succeeded {
            let before = rows(&app, job).await;
            let claimed_at = Instant::now();
            let claimed = app.worker.runner.claim_alone(job).await.unwrap().claimed;
            assert_eq!(claimed.len(), 1, "{:?}", app.job(job).await);
            let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
            shift.start(claimed, claimed_at);
            while rows(&app, job).await == before && !shift.is_idle() {
                // Turns are short while nothing happens to the shift.
                let _looks_again = tokio::time::timeout(Duration::from_millis(1), shift.turn()).await;
            }
            deaths += i32::from(!shift.is_idle());
            drop(shift);
            app.advance(LONG);
            app.tick().await;
        }

        assert!(deaths > 0, "no worker died");
        assert_exactly_once(&app, &ada, job).await;
    }
}

#[tokio::test]
async fn answers_that_are_lost_after_each_commit_lose_and_double_nothing() {
    let (proxy, app) = TestApp::behind_proxy(worker::registry()).await;
    let ada = app.actor().await;
    let job = start(&ada, "csv").await;
    let mut lost = 0;

    while app.job(job).await.state != State::Succeeded {
        proxy.swallow_next_commit_answer();
        app.batch(&[job]).await;
        lost += 1 - proxy.disarm();
        app.advance(LONG);
        app.tick().await;
    }

    assert!(lost >= 4, "the fault struck {lost} times");
    assert_exactly_once(&app, &ada, job).await;
}

#[tokio::test]
async fn connections_that_are_cut_before_a_commit_lose_and_double_nothing() {
    let (proxy, app) = TestApp::behind_proxy(worker::registry()).await;
    let ada = app.actor().await;
    let job = start(&ada, "json").await;

    for fault in 0..4 {
        match fault % 2 {
            0 => proxy.cut_before_next_commit(),
            _ => proxy.swallow_next_commit_answer(),
        }
        app.batch(&[job]).await;
        assert_eq!(proxy.disarm(), 0, "the fault struck");
        assert_eq!(rows(&app, job).await, (fault + 1) / 2 * 500, "a cut batch is not written, a lost answer is");
        app.advance(LONG);
        app.tick().await;
    }
    app.drain().await;

    assert_exactly_once(&app, &ada, job).await;
}

#[tokio::test]
async fn a_late_attempt_writes_no_batch_after_another_has_taken_over() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let job = start(&ada, "csv").await;
    let late = app.worker.runner.claim(&[job]).await.unwrap().claimed;
    app.advance(LONG);
    app.tick().await;
    app.drain().await;

    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(late, Instant::now());
    let mut ends = Vec::new();
    while !shift.is_idle() {
        ends.extend(shift.turn().await);
    }

    assert_ne!(ends, [(job, End::Succeeded)]);
    assert_exactly_once(&app, &ada, job).await;
}

/// Each invocation has time for one batch only, and the import needs five.
#[tokio::test]
async fn an_import_that_takes_longer_than_an_invocation_goes_on_in_the_next() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let job = start(&ada, "ndjson").await;
    let mut invocations = 0;

    while app.job(job).await.state != State::Succeeded {
        let message = event(&[json!({ "job": job }).to_string()]);
        let deadline = Instant::now() + Duration::from_secs(20);
        let response = worker::handle_batch(&app.worker, message, deadline).await;
        assert_eq!(response.batch_item_failures.len(), 0);
        invocations += 1;
        assert!(rows(&app, job).await <= invocations * 500);
    }

    assert!(invocations >= 4, "{invocations}");
    assert_eq!((app.job(job).await.attempt, app.job(job).await.errors.len()), (1, 0));
    assert_exactly_once(&app, &ada, job).await;
}

/// Uploads a file of [`ROWS`] tasks and starts its import.
async fn start(actor: &Actor<'_>, format: &str) -> JobId {
    let mut file = if format == "csv" { "title,priority\n" } else { "" }.to_owned();
    for row in 0..ROWS {
        let priority = if row % (ROWS / REFUSED) == 7 { 10 } else { row % 10 };
        let end = if row + 1 == ROWS { "]" } else { "," };
        match format {
            "csv" => writeln!(file, "\"Task {row}\",{priority}").unwrap(),
            "ndjson" => writeln!(file, "{{\"title\": \"Task {row}\", \"priority\": {priority}}}").unwrap(),
            _ => write!(file, "{{\"title\": \"Task {row}\", \"priority\": {priority}}}\n{end}").unwrap(),
        }
    }
    if format == "json" {
        file.insert(0, '[');
    }
    let format = if format == "csv" { "csv" } else { "json" };
    let request = json!({ "upload_id": upload(actor, file).await, "format": format });
    let job = actor.post("/v1/imports", request).await.json(202);
    JobId(job["id"].as_str().unwrap().parse().unwrap())
}

/// How many rows are dealt with.
async fn rows(app: &TestApp, job: JobId) -> i64 {
    let count = sqlx::query_scalar("select rows from imports where job_id = $1").bind(job);
    count.fetch_one(&mut app.db().await).await.unwrap()
}

async fn assert_exactly_once(app: &TestApp, actor: &Actor<'_>, job: JobId) {
    let (made, different): (i64, i64) =
        sqlx::query_as("select count(*), count(distinct title) from tasks where owner_id = $1")
            .bind(actor.id)
            .fetch_one(&mut app.db().await)
            .await
            .unwrap();
    assert_eq!((made, different), (ROWS - REFUSED, ROWS - REFUSED));
    let result = app.job(job).await.result.unwrap();
    assert_eq!(result, json!({ "rows": ROWS, "imported": ROWS - REFUSED, "refused": REFUSED }));
    let errors = actor.get(&format!("/v1/imports/{job}/errors")).await.json(200);
    let refused: Vec<_> = errors["items"].as_array().unwrap().iter().map(|error| error["row"].clone()).collect();
    assert_eq!(json!(refused), json!([8, 508, 1_008, 1_508]));
}
