//! Jobs, as their owner sees them.

mod cancel;
mod filters;
mod races;
mod retry;
mod wait;

use super::time;
use crate::support::probe::{Probe, kinds};
use crate::support::{Actor, TestApp};
use serde_json::{Value, json};
use shared::ids::JobId;
use shared::jobs::NewJob;
use std::time::{Duration, Instant};

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let mut expected = Vec::new();
    for number in 0..7 {
        expected.insert(0, job(&app, &ada, &Probe::Result(json!(number))).await.to_string());
    }
    app.drain().await;

    let mut met = Vec::new();
    let mut next = Some("/v1/jobs?limit=3".to_owned());
    while let Some(path) = next {
        let page = ada.get(&path).await;
        met.push(ids(&page.json(200)));
        next = page.next_page();
        assert_eq!(page.json(200)["next_cursor"].is_string(), next.is_some());
    }

    assert_eq!(met, [&expected[..3], &expected[3..6], &expected[6..]]);
}

#[tokio::test]
async fn the_owner_reads_what_is_worded_for_them_and_nothing_internal() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ada = app.actor().await;
    let internal = job(&app, &ada, &Probe::Fail("connection to 10.0.0.7 refused".to_owned())).await;
    let panicked = job(&app, &ada, &Probe::Panic("index out of bounds".to_owned())).await;
    let worded = job(&app, &ada, &Probe::Discard("The address does not exist.".to_owned())).await;

    app.drain().await;

    let error = async |id| ada.get(&format!("/v1/jobs/{id}")).await.json(200)["errors"][0]["error"].clone();
    assert_eq!(error(internal).await, "Something went wrong on our side.");
    assert_eq!(error(panicked).await, "Something went wrong on our side.");
    assert_eq!(error(worded).await, "The address does not exist.");
    assert_eq!(app.job(internal).await.errors[0], "connection to 10.0.0.7 refused", "the row keeps it for operators");
}

#[tokio::test]
async fn a_list_has_whole_jobs() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Result(json!({ "answer": 42 }))).await;
    app.drain().await;

    let found = ada.get(&format!("/v1/jobs/{id}")).await.json(200);

    assert_eq!(found["result"], json!({ "answer": 42 }));
    assert_eq!(ada.get("/v1/jobs").await.json(200), json!({ "items": [found], "next_cursor": null }));
}

#[tokio::test]
async fn jobs_of_others_and_of_the_system_are_not_there() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let grace = app.actor().await;
    let hers = job(&app, &ada, &Probe::Nothing).await;
    let systems = app.enqueue(&Probe::Nothing).await;
    app.drain().await;

    assert_eq!(ids(&ada.get("/v1/jobs").await.json(200)), [hers.to_string()]);
    assert_eq!(grace.get("/v1/jobs").await.json(200), json!({ "items": [], "next_cursor": null }));
    for id in [hers, systems] {
        assert_eq!(grace.get(&format!("/v1/jobs/{id}")).await.problem(404)["type"], "urn:errand:problem:not-found");
    }
    ada.get(&format!("/v1/jobs/{systems}")).await.problem(404);
    ada.get("/v1/jobs/no-id").await.problem(404);
}

#[tokio::test]
async fn failed_attempts_are_told() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Fail("no luck".to_owned())).await;
    let path = format!("/v1/jobs/{id}");

    // One attempt: `drain` would start the next one too, should chance make that due at once.
    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(app.worker.runner.claim(&[id]).await.unwrap().claimed, Instant::now());
    while !shift.is_idle() {
        shift.turn().await;
    }
    let waiting = ada.get(&path).await.json(200);
    for _ in 0..2 {
        app.advance(Duration::from_mins(15));
        app.drain().await;
    }
    let token = app.api.signing.issue(ada.id, app.clock.now()).await.unwrap();
    let failed = Actor::new(&app, ada.id, token).get(&path).await.json(200);

    assert_eq!((&waiting["state"], &waiting["attempt"]), (&json!("available"), &json!(1)));
    assert_eq!(waiting["finished_at"], Value::Null);
    assert!(time(&waiting["run_at"]) > time(&waiting["created_at"]));
    let at = &waiting["errors"][0]["at"];
    assert_eq!(waiting["errors"], json!([{ "attempt": 1, "at": at, "error": "Something went wrong on our side." }]));
    assert_eq!((&failed["state"], &failed["attempt"], &failed["result"]), (&json!("failed"), &json!(3), &Value::Null));
    let attempts: Vec<&Value> = failed["errors"].as_array().unwrap().iter().map(|error| &error["attempt"]).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert!(failed["finished_at"].is_string());
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    for (query, error) in [
        ("limit=0", "limit: out_of_range"),
        ("limit=101", "limit: out_of_range"),
        ("limit=abc", "limit: wrong_type"),
        ("cursor=abc", "cursor: not_allowed"),
        ("colour=red", "colour: unknown"),
        ("state=lost", "state: wrong_type"),
        ("state=failed&state=running", "state: duplicate"),
        ("kind=", "kind: too_short"),
        ("kind=%00", "kind: not_allowed"),
    ] {
        assert_eq!(ada.get(&format!("/v1/jobs?{query}")).await.refused(), [error], "{query}");
    }
}

#[tokio::test]
async fn a_running_job_shows_its_progress() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Nothing).await;
    app.worker.runner.claim(&[id]).await.unwrap();
    sqlx::query("update jobs set progress = 40").execute(&mut app.db().await).await.unwrap();

    let job = ada.get(&format!("/v1/jobs/{id}")).await.json(200);

    assert_eq!((&job["state"], &job["attempt"], &job["progress"]), (&json!("running"), &json!(1), &json!(40)));
    assert_eq!((job["started_at"].is_string(), &job["finished_at"]), (true, &Value::Null));
}

async fn job(app: &TestApp, actor: &Actor<'_>, payload: &Probe) -> JobId {
    app.enqueue_new(NewJob::new(payload).unwrap().owned_by(actor.id)).await.row.id
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}
