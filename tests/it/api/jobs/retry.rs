//! Taking jobs up again.

use super::job;
use crate::support::probe::{Probe, kinds};
use crate::support::{TestApp, postgres};
use serde_json::{Value, json};
use shared::jobs::{CHANNEL, NewJob, State, Unique};
use sqlx::postgres::PgListener;

#[tokio::test]
async fn a_failed_job_gets_another_attempt_and_workers_are_told() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Discard("hopeless".to_owned())).await;
    app.drain().await;
    // What made it fail is mended.
    postgres::run(&mut app.db().await, r#"update jobs set payload = '"effect"'"#).await;
    let mut listener = PgListener::connect(&app.url).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();

    let answer = ada.act(&format!("/v1/jobs/{id}/retry")).await;

    let retried = answer.json(202);
    assert_eq!(answer.header("location"), format!("/v1/jobs/{id}"));
    assert_eq!((&retried["state"], &retried["attempt"]), (&json!("available"), &json!(1)));
    assert_eq!((&retried["finished_at"], retried["errors"].as_array().unwrap().len()), (&Value::Null, 1));
    assert_eq!(listener.recv().await.unwrap().payload(), format!("{id}@0"));
    app.drain().await;
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, app.effects(id).await), (State::Succeeded, 2, 1));
}

#[tokio::test]
async fn a_job_whose_attempts_are_used_up_gets_one_more() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Discard("hopeless".to_owned())).await;
    app.drain().await;
    postgres::run(&mut app.db().await, "update jobs set attempt = max_attempts").await;

    let retried = ada.act(&format!("/v1/jobs/{id}/retry")).await.json(202);
    app.drain().await;

    assert_eq!((&retried["attempt"], &retried["max_attempts"]), (&json!(3), &json!(4)));
    assert_eq!(app.job(id).await.attempt, 4);
}

#[tokio::test]
async fn a_cancelled_job_is_taken_up_again() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let id = job(&app, &ada, &Probe::Effect).await;
    ada.act(&format!("/v1/jobs/{id}/cancel")).await.json(200);

    let retried = ada.act(&format!("/v1/jobs/{id}/retry")).await.json(202);
    app.drain().await;

    assert_eq!(retried["cancel_requested"], false);
    assert_eq!((app.job(id).await.state, app.effects(id).await), (State::Succeeded, 1));
}

#[tokio::test]
async fn a_job_that_did_not_fail_is_left_as_it_is() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ada = app.actor().await;
    let done = job(&app, &ada, &Probe::Nothing).await;
    app.drain().await;
    let running = job(&app, &ada, &Probe::Nothing).await;
    app.worker.runner.claim(&[running]).await.unwrap();
    let waiting = job(&app, &ada, &Probe::Nothing).await;

    for (id, code) in [(done, "finished"), (running, "under_way"), (waiting, "under_way")] {
        let before = ada.get(&format!("/v1/jobs/{id}")).await.json(200);

        let problem = ada.act(&format!("/v1/jobs/{id}/retry")).await.problem(409);

        let error = &problem["errors"][0];
        assert_eq!((&error["field"], &error["code"]), (&json!("state"), &json!(code)));
        assert_eq!(ada.get(&format!("/v1/jobs/{id}")).await.json(200), before);
    }
}

#[tokio::test]
async fn a_job_whose_key_another_one_has_is_left_as_it_is() {
    let app = TestApp::with_kinds(kinds()).await;
    let (ada, grace) = (app.actor().await, app.actor().await);
    let unique = |payload: &Probe| NewJob::new(payload).unwrap().unique(Unique::exclusive("the key"));
    let failed = unique(&Probe::Discard("hopeless".to_owned())).owned_by(ada.id);
    let failed = app.enqueue_new(failed).await.row.id;
    app.drain().await;
    let other = app.enqueue_new(unique(&Probe::Nothing).owned_by(grace.id)).await.row.id;

    let answer = ada.act(&format!("/v1/jobs/{failed}/retry")).await;

    let problem = answer.problem(409);
    assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!("id"), &json!("taken")));
    assert!(!problem.to_string().contains(&other.to_string()), "it is somebody else's: {problem}");
    assert_eq!(app.job(failed).await.state, State::Failed);
    app.drain().await;
    ada.act(&format!("/v1/jobs/{failed}/retry")).await.json(202);
    app.drain().await;
}

#[tokio::test]
async fn jobs_of_others_and_of_the_system_are_not_there() {
    let app = TestApp::with_kinds(kinds()).await;
    let (ada, grace) = (app.actor().await, app.actor().await);
    let hers = job(&app, &ada, &Probe::Discard("hopeless".to_owned())).await;
    let systems = app.enqueue(&Probe::Discard("hopeless".to_owned())).await;
    app.drain().await;

    for id in [hers, systems] {
        grace.act(&format!("/v1/jobs/{id}/retry")).await.problem(404);
        assert_eq!(app.job(id).await.state, State::Failed);
    }
}
