//! Periodic jobs, as everybody sees them who is logged in.

use super::time;
use crate::support::probe::{Probe, kinds};
use crate::support::{Actor, TestApp};
use scheduler::{Schedule, Scheduler, Schedules};
use serde_json::{Value, json};
use shared::jobs::{Misfire, NewJob};
use std::time::Duration;

#[tokio::test]
async fn schedules_are_listed_by_name_with_their_latest_job() {
    let mut app = TestApp::with_kinds(kinds()).await;
    app.scheduler.schedules = Schedules::new(vec![
        Schedule::new("yearly", "0 0 1 1 *", "Europe/Berlin", Misfire::All { at_most: 3 }, |_| {
            NewJob::new(&Probe::Nothing)
        }),
        Schedule::new("each_minute", "* * * * *", "UTC", Misfire::Skip, |_| NewJob::new(&Probe::Nothing)),
    ]);
    let ada = app.actor().await;

    let before = ada.get("/v1/schedules").await.json(200);
    app.tick().await;
    let new = ada.get("/v1/schedules").await.json(200);
    app.tick().await;
    app.advance(Duration::from_mins(2));
    app.drain().await;
    let after = ada.get("/v1/schedules").await.json(200);

    assert_eq!(before, json!({ "items": [] }));
    let (minute, yearly) = (&new["items"][0], &new["items"][1]);
    assert_eq!(
        yearly,
        &json!({
            "name": "yearly",
            "kind": "probe",
            "cron": "0 0 1 1 *",
            "time_zone": "Europe/Berlin",
            "misfire": "all",
            "misfire_at_most": 3,
            "next_at": yearly["next_at"],
            "last_at": null,
            "last_job": null,
        })
    );
    assert!(yearly["next_at"].as_str().unwrap().ends_with("-12-31T23:00:00Z"), "{yearly}");
    assert_eq!((&minute["misfire"], &minute["misfire_at_most"]), (&json!("skip"), &Value::Null));
    let ran = &after["items"][0];
    assert!(time(&ran["last_at"]) >= time(&minute["next_at"]));
    assert!(time(&ran["next_at"]) > time(&ran["last_at"]));
    assert_eq!(ran["last_job"]["state"], "succeeded");
}

#[tokio::test]
async fn a_job_of_a_user_and_one_that_is_pruned_are_not_shown() {
    let mut app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    app.scheduler.schedules =
        Schedules::new(vec![Schedule::new("each_minute", "* * * * *", "UTC", Misfire::Skip, |_| {
            NewJob::new(&Probe::Nothing)
        })]);
    let ada = app.actor().await;
    app.tick().await;
    app.tick().await;

    let shown = ada.get("/v1/schedules").await.json(200)["items"][0]["last_job"].clone();
    sqlx::query("update jobs set owner_id = $1").bind(ada.id).execute(&mut app.db().await).await.unwrap();
    let owned = ada.get("/v1/schedules").await.json(200)["items"][0].clone();
    sqlx::query("delete from jobs").execute(&mut app.db().await).await.unwrap();
    let pruned = ada.get("/v1/schedules").await.json(200)["items"][0].clone();

    assert_eq!(shown["state"], "available");
    assert_eq!((&owned["last_job"], &pruned["last_job"]), (&Value::Null, &Value::Null));
    assert_eq!(owned["last_at"], pruned["last_at"]);
    assert!(pruned["last_at"].is_string());
}

#[tokio::test]
async fn one_that_is_not_declared_any_more_is_not_listed() {
    let mut app = TestApp::with_kinds(kinds()).await;
    app.scheduler.schedules = Schedules::new(scheduler::declared());
    let ada = app.actor().await;
    app.tick().await;
    let declared = ada.get("/v1/schedules").await.json(200)["items"].as_array().unwrap().len();

    let newer = Scheduler { schedules: Schedules::default(), ..app.scheduler.clone() };
    newer.tick().await.unwrap();

    assert_eq!(declared, scheduler::declared().len());
    assert_eq!(ada.get("/v1/schedules").await.json(200), json!({ "items": [] }));
}

#[tokio::test]
async fn they_are_for_those_who_are_logged_in() {
    let app = TestApp::new().await;

    Actor::nobody(&app).get("/v1/schedules").await.problem(401);
}
