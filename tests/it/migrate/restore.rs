//! The restore of `docs/operations.md`, as far as it is PostgreSQL's: what becomes of rows and of jobs that were under way.

use super::TIME_LEFT;
use super::roles::state;
use crate::support::moto::moto;
use crate::support::probe::{Probe, kinds};
use crate::support::rds::{Database, Rds};
use crate::support::rotation::Secret;
use crate::support::{Actor, TestApp, postgres};
use ::migrate::{Roles, RotatedSecrets, handle};
use serde_json::json;
use shared::ids::JobId;
use shared::jobs::{NewJob, State};
use sqlx::{Connection as _, PgConnection};
use std::time::Duration;

/// The URL that the functions connect to, with what the secret says.
async fn login(rds: &Rds, database: &Database, secret: &Secret<'_>) -> String {
    let (role, password) = secret.login("AWSCURRENT").await;
    rds.url(&database.name, &role, &password)
}

/// How a job stands: its state, its attempts, and its effects in the database.
async fn stands(app: &TestApp, job: JobId) -> (State, i32, i64) {
    let row = app.job(job).await;
    (row.state, row.attempt, app.effects(job).await)
}

#[tokio::test]
async fn a_restored_database_has_its_rows_and_ends_its_jobs_once() {
    let Some(moto) = moto().await else { return };
    let mut rds = Rds::start().await;
    let database = rds.database().await;
    let secret = Secret::of_app(moto, &database.name, "of before").await;
    let rotated = RotatedSecrets { app: Some(secret.arn.clone()), signing: None };
    handle(&state(moto, &database.master_url, rotated), json!({}), TIME_LEFT).await.unwrap();
    let mut master = postgres::connect(&database.master_url).await;
    postgres::run(&mut master, &format!("set role {}", Roles::of(&database.name).unwrap().owner)).await;
    postgres::run(&mut master, "create table effects (job_id uuid not null, epoch int not null)").await;

    // Jobs in every state but failed: done, with a lease, between two steps, waiting, and for later.
    let url = login(&rds, &database, &secret).await;
    let app = TestApp::as_role(&database.url, &url, kinds()).may_leave_jobs();
    let actor = app.actor().await;
    for title in ["Water the plants", "Call the plumber"] {
        actor.task(json!({ "title": title })).await;
    }
    let done = app.enqueue(&Probe::Effect).await;
    let running = app.enqueue(&Probe::Effect).await;
    let in_steps = app.enqueue(&Probe::Steps(3)).await;
    app.batch(&[done, in_steps]).await;
    assert_eq!(app.worker.runner.claim(&[running]).await.unwrap().claimed.len(), 1);
    let waiting = app.enqueue(&Probe::Effect).await;
    let in_two_hours = app.clock.now() + Duration::from_hours(2);
    let later = app.enqueue_new(NewJob::new(&Probe::Effect).unwrap().at(in_two_hours)).await.row.id;
    let (owner, token) = (actor.id, actor.token.clone());
    let restored = rds.restore().await;

    // What is done now is set back with the database.
    let app = TestApp::as_role(&database.url, &url, kinds()).may_leave_jobs();
    app.batch(&[waiting]).await;
    assert_eq!(stands(&app, waiting).await, (State::Succeeded, 1, 1));

    // The secret has another password by then; that of a stack that is made anew always has.
    let database = restored.named(&database.name);
    let value = json!({ "username": format!("{}_app_a", database.name), "password": "of after" }).to_string();
    let secret = Secret::new(moto, &format!("restored-{}", database.name), &value).await;
    let url = login(&restored, &database, &secret).await;
    assert!(PgConnection::connect(&url).await.is_err(), "the password fits before anybody made it fit");
    let rotated = RotatedSecrets { app: Some(secret.arn.clone()), signing: None };
    let migrated = handle(&state(moto, &database.master_url, rotated), json!({}), TIME_LEFT).await.unwrap();

    let app = TestApp::as_role(&database.url, &url, kinds());
    let mut stood = Vec::new();
    for by in [Duration::from_mins(2), Duration::from_hours(2)] {
        app.advance(by);
        app.tick().await;
        app.drain().await;
        stood.push(stands(&app, later).await);
    }

    assert_eq!(migrated["applied"], 0, "the schema came with the snapshot");
    assert_eq!(stands(&app, done).await, (State::Succeeded, 1, 1));
    assert_eq!(stands(&app, running).await, (State::Succeeded, 2, 1), "its lease ran out");
    assert_eq!(stands(&app, in_steps).await, (State::Succeeded, 1, 3), "it went on from its checkpoint");
    assert_eq!(stands(&app, waiting).await, (State::Succeeded, 1, 1));
    assert_eq!(stood, [(State::Available, 0, 0), (State::Succeeded, 1, 1)]);
    let tasks = Actor::new(&app, owner, token).again().await.get("/v1/tasks").await.json(200);
    let titles: Vec<_> = tasks["items"].as_array().unwrap().iter().map(|task| &task["title"]).collect();
    assert_eq!(titles, ["Call the plumber", "Water the plants"]);
}
