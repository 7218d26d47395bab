//! Exports that are too old: their files and their rows.

use crate::support::app::event;
use crate::support::{Actor, TestApp};
use axum::http::Method;
use chrono::TimeDelta;
use scheduler::{Schedules, declared};
use serde_json::{Value, json};
use shared::exports::ExpireExports;
use shared::ids::JobId;
use shared::jobs::State;
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn an_export_is_there_for_a_week_and_then_it_is_not() {
    let mut app = TestApp::new().await;
    app.scheduler.schedules = Schedules::new(declared());
    app.tick().await;
    let ada = app.actor().await;
    let old = export(&app, &ada).await;
    for _ in 0..5 {
        pass_a_day(&app).await;
    }
    let young = export(&app, &logged_in_again(&app, &ada).await).await;

    pass_a_day(&app).await;
    let on_the_sixth_day = logged_in_again(&app, &ada).await.get(&old).await.status;
    for _ in 0..2 {
        pass_a_day(&app).await;
    }

    let ada = logged_in_again(&app, &ada).await;
    assert_eq!(on_the_sixth_day, 200);
    assert_eq!(ada.get(&old).await.problem(404)["type"], "urn:errand:problem:not-found");
    assert_eq!(ada.get(&young).await.status, 200);
    assert_eq!(rows(&app).await, 1);
}

#[tokio::test]
async fn the_file_goes_with_the_row() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    export(&app, &ada).await;
    let key: String =
        sqlx::query_scalar("select object_key from exports").fetch_one(&mut app.db().await).await.unwrap();
    assert!(app.worker.state.storage.download(&key).await.is_ok());

    let result = expire(&app).await;

    assert_eq!(result, json!({ "deleted": 1, "swept": 0 }));
    assert!(app.worker.state.storage.download(&key).await.is_err());
    assert_eq!(rows(&app).await, 0);
}

/// The lifecycle rule of a bucket was faster, or an attempt died between the file and the row.
#[tokio::test]
async fn a_file_that_is_gone_already_does_not_matter() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    export(&app, &ada).await;
    export(&app, &ada).await;
    let key: String =
        sqlx::query_scalar("select object_key from exports limit 1").fetch_one(&mut app.db().await).await.unwrap();
    app.worker.state.storage.delete(&key).await.unwrap();

    assert_eq!(expire(&app).await, json!({ "deleted": 2, "swept": 0 }));
    assert_eq!(expire(&app).await, json!({ "deleted": 0, "swept": 0 }));
}

#[tokio::test]
async fn files_that_no_row_knows_are_deleted_when_they_are_eight_days_old() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let upload = ada.act("/v1/uploads").await.json(201);
    let path = format!("/v1/uploads/{}/content", upload["id"].as_str().unwrap());
    let sent = ada.send_as(Method::PUT, &path, "text/csv", "title\nNap\n").await.status;
    assert_eq!(sent, 200);
    export(&app, &ada).await;
    sqlx::query("update exports set created_at = now() + interval '1 day'").execute(&mut app.db().await).await.unwrap();

    let young = expire_before(&app, TimeDelta::hours(23)).await;
    let old = expire_before(&app, TimeDelta::hours(25)).await;

    assert_eq!(young, json!({ "deleted": 0, "swept": 0 }));
    assert_eq!(old, json!({ "deleted": 1, "swept": 1 }));
}

#[tokio::test]
async fn more_than_one_step_takes_are_all_deleted() {
    let app = TestApp::new().await;
    make_251(&app).await;

    assert_eq!(expire(&app).await, json!({ "deleted": 251, "swept": 0 }));
    assert_eq!(rows(&app).await, 0);
}

#[tokio::test]
async fn what_does_not_fit_an_invocation_is_done_in_the_next_one() {
    let app = TestApp::new().await;
    make_251(&app).await;
    let job = app.enqueue(&ExpireExports { finished_before: app.clock.now() }).await;

    let mut left = Vec::new();
    for _ in 0..2 {
        let messages = event(&[json!({ "job": job }).to_string()]);
        worker::handle_batch(&app.worker, messages, Instant::now() + Duration::from_secs(20)).await;
        left.push((rows(&app).await, app.job(job).await.state));
    }
    app.drain().await;

    assert_eq!(left, [(151, State::Available), (51, State::Available)]);
    let job = app.job(job).await;
    assert_eq!((job.result, job.attempt), (Some(json!({ "deleted": 251, "swept": 0 })), 1));
}

/// Makes one export and 250 rows that look like it, and whose files are gone.
async fn make_251(app: &TestApp) {
    let ada = app.actor().await;
    export(app, &ada).await;
    let more = "
        with made as (
            insert into jobs
                (id, kind, version, payload, owner_id, state, run_at, attempt, max_attempts, created_at, finished_at)
            select gen_random_uuid(), kind, version, payload, owner_id, state, run_at, attempt, max_attempts, created_at,
                finished_at
            from jobs, generate_series(1, 250)
            returning id
        )
        insert into exports (job_id, owner_id, object_key, content_type, rows, bytes, created_at)
        select made.id, owner_id, made.id::text, content_type, rows, bytes, created_at from exports, made
    ";
    sqlx::query(more).execute(&mut app.db().await).await.unwrap();
}

/// Makes an export and returns where its file is.
async fn export(app: &TestApp, actor: &Actor<'_>) -> String {
    let job = actor.post("/v1/exports", json!({ "format": "json" })).await.json(202);
    app.drain().await;
    format!("/v1/exports/{}/content", job["id"].as_str().unwrap())
}

/// Runs the job that deletes every export of now and returns its result.
async fn expire(app: &TestApp) -> Value {
    expire_before(app, TimeDelta::zero()).await
}

/// Runs the job that deletes every export of a time from now and returns its result.
async fn expire_before(app: &TestApp, from_now: TimeDelta) -> Value {
    let job: JobId = app.enqueue(&ExpireExports { finished_before: app.clock.now() + from_now }).await;
    app.drain().await;
    let job = app.job(job).await;
    assert_eq!(job.state, State::Succeeded, "{job:?}");
    job.result.unwrap()
}

async fn pass_a_day(app: &TestApp) {
    app.advance(DAY);
    app.tick().await;
    app.drain().await;
}

/// A token is valid for fifteen minutes.
async fn logged_in_again<'a>(app: &'a TestApp, actor: &Actor<'_>) -> Actor<'a> {
    let token = app.api.signing.issue(actor.id, app.clock.now()).await.unwrap();
    Actor::new(app, actor.id, token)
}

async fn rows(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from exports").fetch_one(&mut app.db().await).await.unwrap()
}
