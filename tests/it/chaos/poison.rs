//! Poison in every place that it can come in by. The neighbours are unharmed, and the evidence is kept.

use super::processes::{Part, event};
use super::queue::Message;
use super::stage::prepare;
use crate::hosts::eventually;
use crate::support::TestApp;
use crate::support::runtime_api::{Invocation, Sandbox};
use actors::{Act, Brief, Deed, Doomed, registry};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::ids::JobId;
use shared::jobs::{NewJob, Payload, State};
use std::time::Duration;
use tempfile::TempDir;

/// A kind that nobody runs, with whatever payload.
#[derive(Serialize, Deserialize)]
struct Unknown(Value);

impl Payload for Unknown {
    const KIND: &'static str = "unknown";
}

/// A version of a known kind that nobody runs yet.
#[derive(Serialize, Deserialize)]
struct Newer(Value);

impl Payload for Newer {
    const KIND: &'static str = "brief";
    const VERSION: i16 = 2;
}

/// A payload of a known kind that is not one.
#[derive(Serialize, Deserialize)]
struct Broken(Value);

impl Payload for Broken {
    const KIND: &'static str = "brief";
}

async fn app() -> TestApp {
    let app = TestApp::with_kinds(registry()).await.may_leave_jobs();
    prepare(&mut app.db().await).await;
    app
}

fn deed(act: Act) -> NewJob {
    NewJob::new(&Brief(Deed { act, slot: 0 })).unwrap()
}

/// A worker process on the database of an app.
async fn worker(app: &TestApp, exports: &TempDir) -> Sandbox {
    let folder = exports.path().to_str().unwrap().to_owned();
    let environment = [("DATABASE_URL", app.url.clone()), ("EXPORT_DIR", folder)];
    Part::new("actor", environment.map(|(name, value)| (name.to_owned(), value))).start().await
}

fn look_at(job: JobId) -> String {
    json!({ "job": job }).to_string()
}

fn messages(bodies: &[String]) -> Value {
    event(&bodies.iter().enumerate().map(|(n, body)| Message::new(n.to_string(), body.clone())).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_batch_of_a_real_process_with_every_poison_spares_the_neighbours() {
    let (app, exports) = (app().await, TempDir::new().unwrap());
    let neighbours = [app.enqueue_new(deed(Act::Effect)).await, app.enqueue_new(deed(Act::Waits(800))).await];
    let unknown = app.enqueue(&Unknown(json!({}))).await;
    let newer = app.enqueue(&Newer(json!({ "from": "tomorrow" }))).await;
    let broken = app.enqueue(&Broken(json!({ "act": "no such act", "slot": "x\0y" }))).await;
    let panics = app.enqueue_new(deed(Act::Panics)).await.row.id;
    let drop_panics = app.enqueue_new(deed(Act::DropPanics)).await.row.id;
    let oversized = app.enqueue_new(deed(Act::Oversized)).await.row.id;
    let mut bodies = ["not JSON \0", "{}", r#"{"job": 7}"#, r#"["job"]"#].map(str::to_owned).to_vec();
    let bad = bodies.len();
    let named = [unknown, newer, broken, panics, drop_panics, oversized, JobId::new()];
    bodies.extend(named.into_iter().chain(neighbours.iter().map(|job| job.row.id)).map(look_at));
    let mut process = worker(&app, &exports).await;

    let first = process.invoke(&messages(&bodies)).await.answer();
    let second = process.invoke(&messages(&bodies)).await.answer();

    let failed: Vec<_> = (0..bad).map(|n| json!({ "itemIdentifier": n.to_string() })).collect();
    assert_eq!(first, json!({ "batchItemFailures": failed }), "only these go to the dead-letter queue");
    assert_eq!(second["batchItemFailures"].as_array().unwrap().len(), bad, "the process still works");
    for neighbour in neighbours {
        let job = app.job(neighbour.row.id).await;
        assert_eq!((job.state, job.attempt, app.effects(neighbour.row.id).await), (State::Succeeded, 1, 1));
    }
    for waits in [unknown, newer] {
        let job = app.job(waits).await;
        assert_eq!((job.state, job.attempt, job.errors.len()), (State::Available, 0, 0));
    }
    let job = app.job(broken).await;
    assert_eq!((job.state, job.attempt), (State::Failed, 1));
    assert!(job.errors[0].starts_with("the payload is not one of brief version 1"), "{:?}", job.errors);
    let job = app.job(oversized).await;
    assert_eq!((job.state, job.attempt, job.result), (State::Failed, 1, None));
    assert!(job.errors[0].starts_with("the result has 307202 bytes of JSON"), "{:?}", job.errors);
    let job = app.job(panics).await;
    assert_eq!((job.state, job.attempt, app.effects(panics).await), (State::Succeeded, 2, 1));
    assert_eq!(job.errors, ["the attempt panicked: attempt 1 panics"]);
    assert_eq!(app.job(drop_panics).await.errors, ["the attempt panicked: dropped"; 2]);
}

#[tokio::test]
async fn a_job_that_never_awaits_harms_nobody_else_and_fails_after_its_attempts() {
    let (app, exports) = (app().await, TempDir::new().unwrap());
    let spins = NewJob::new(&Doomed(Deed { act: Act::Spins, slot: 0 })).unwrap();
    let spins = app.enqueue_new(spins).await.row.id;
    let mut attempts = 0;

    while app.job(spins).await.state != State::Failed {
        let neighbour = app.enqueue_new(deed(Act::Waits(400))).await.row.id;
        let mut process = worker(&app, &exports).await.deadline(Duration::from_secs(4));

        let ended = process.invoke(&messages(&[look_at(spins), look_at(neighbour)])).await;

        // What Lambda does with a function that does not answer in time.
        process.kill().await;
        attempts += 1;
        assert!(attempts <= 3, "{:?}", app.job(spins).await);
        assert!(!matches!(ended, Invocation::Answer(_)), "{ended:?}");
        let job = app.job(neighbour).await;
        assert_eq!((job.state, job.attempt, app.effects(neighbour).await), (State::Succeeded, 1, 1));
        eventually("the scheduler finds that the lease is over", Duration::from_secs(10), async || {
            app.tick().await;
            (app.job(spins).await.state != State::Running).then_some(())
        })
        .await;
    }

    let job = app.job(spins).await;
    assert_eq!((job.attempt, app.effects(spins).await), (3, 0));
    assert_eq!(job.errors, ["the attempt was abandoned: its lease ran out"; 3]);
}

#[tokio::test]
async fn a_container_does_not_keep_a_job_for_ever_that_never_awaits() {
    let (app, exports) = (app().await, TempDir::new().unwrap());
    let spins = NewJob::new(&Doomed(Deed { act: Act::Spins, slot: 0 })).unwrap();
    let spins = app.enqueue_new(spins).await.row.id;
    let neighbour = app.enqueue_new(deed(Act::Waits(400))).await.row.id;
    let folder = exports.path().to_str().unwrap().to_owned();
    let environment = [("DATABASE_URL", app.url.clone()), ("EXPORT_DIR", folder), ("ERRAND_ACTOR", "serve".to_owned())];
    let process = Part::new("actor", environment.map(|(name, value)| (name.to_owned(), value))).start().await;

    eventually("the neighbour succeeds", Duration::from_secs(20), async || {
        (app.job(neighbour).await.state == State::Succeeded).then_some(())
    })
    .await;
    // Its time limit is two seconds, and so is its lease.
    eventually("the spinning attempt loses its job", Duration::from_secs(25), async || {
        app.tick().await;
        (!app.job(spins).await.errors.is_empty()).then_some(())
    })
    .await;

    drop(process);
    assert_eq!(app.effects(spins).await, 0);
}
