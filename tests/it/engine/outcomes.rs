//! How attempts end, and what becomes of their jobs.

use crate::support::TestApp;
use crate::support::postgres::run;
use crate::support::probe::{Probe, kinds};
use serde_json::json;
use shared::jobs::{End, State};
use std::time::Duration;

#[tokio::test]
async fn a_result_is_kept_on_the_row() {
    let app = TestApp::with_kinds(kinds()).await;

    let job = app.run(&Probe::Result(json!({ "answer": 42 }))).await;

    assert_eq!((job.state, job.attempt, job.result), (State::Succeeded, 1, Some(json!({ "answer": 42 }))));
}

#[tokio::test]
async fn an_effect_is_committed_with_the_end() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;

    app.drain().await;

    assert_eq!(app.job(id).await.state, State::Succeeded);
    assert_eq!(app.effects(id).await, 1);
}

#[tokio::test]
async fn failed_attempts_are_kept_and_the_last_one_fails_the_job() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Fail("no luck".to_owned())).await;

    let mut ends = Vec::new();
    for _ in 0..3 {
        ends.extend(app.drain().await.into_iter().map(|(_, end)| end));
        app.advance(Duration::from_mins(15));
    }

    assert_eq!(ends, [End::Retrying, End::Retrying, End::Failed]);
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Failed, 3));
    assert_eq!(job.errors, ["no luck"; 3]);
}

#[tokio::test]
async fn a_discarded_job_is_not_tried_again() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Discard("hopeless".to_owned())).await;

    app.drain().await;

    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Failed, 1));
    assert_eq!(job.errors, ["hopeless"]);
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_and_spares_the_neighbours() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let panics = app.enqueue(&Probe::Panic("boom".to_owned())).await;
    let panics_twice = app.enqueue(&Probe::PanicTwice).await;
    let neighbour = app.enqueue(&Probe::Effect).await;

    app.batch(&[panics, panics_twice, neighbour]).await;

    assert_eq!(app.job(panics).await.errors, ["the attempt panicked: boom"]);
    assert_eq!(app.job(panics_twice).await.errors, ["the attempt panicked: without a message"]);
    assert_eq!(app.job(neighbour).await.state, State::Succeeded);
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_stopped_and_leaves_no_effect() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::Sleep(60_000)).await;

    app.batch(&[id]).await;

    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Available, 1));
    assert_eq!(job.errors, ["the attempt timed out after 3.0 s"]);
    assert_eq!(app.effects(id).await, 0);
}

#[tokio::test]
async fn a_result_with_a_nul_character_is_kept_without_it() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Result(json!({ "te\0xt": ["a\0b"] }))).await;
    let neighbour = app.enqueue(&Probe::Result(json!("whole"))).await;

    app.drain().await;

    assert_eq!(app.job(id).await.result, Some(json!({ "text": ["ab"] })));
    assert_eq!(app.job(neighbour).await.result, Some(json!("whole")));
}

#[tokio::test]
async fn an_error_with_a_nul_character_is_kept_without_it() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Discard("no\0 luck".to_owned())).await;

    app.drain().await;

    assert_eq!(app.job(id).await.errors, ["no luck"]);
}

#[tokio::test]
async fn a_result_that_postgresql_refuses_fails_its_job_and_spares_the_neighbours() {
    let app = TestApp::with_kinds(kinds()).await;
    let refuse = "alter table jobs add constraint refused check (result is distinct from '\"refused\"')";
    run(&mut app.db().await, refuse).await;
    let refused = app.enqueue(&Probe::Result(json!("refused"))).await;
    let neighbour = app.enqueue(&Probe::Result(json!("whole"))).await;

    app.drain().await;

    let job = app.job(refused).await;
    assert_eq!(job.state, State::Failed);
    assert!(job.errors[0].starts_with("the result could not be stored"), "{:?}", job.errors);
    assert_eq!(app.job(neighbour).await.state, State::Succeeded);
}

/// What the handler did cannot be undone, so its success is not thrown away because the database is in trouble.
#[tokio::test]
async fn an_end_that_postgresql_cannot_write_for_another_reason_is_tried_again() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    run(&mut db, "create sequence tries").await;
    run(
        &mut db,
        "create function full_disk() returns trigger language plpgsql as $$ begin
             if new.state = 'succeeded' and nextval('tries') = 1 then
                 raise exception 'could not extend file' using errcode = 'disk_full';
             end if;
             return new;
         end $$",
    )
    .await;
    run(&mut db, "create trigger full_disk before update on jobs for each row execute function full_disk()").await;
    let id = app.enqueue(&Probe::Result(json!("sent"))).await;

    app.drain().await;

    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, job.result), (State::Succeeded, 1, Some(json!("sent"))));
}

#[tokio::test]
async fn a_wait_that_goes_beyond_the_calendar_is_a_long_one() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::RetryIn(u64::MAX)).await;

    app.drain().await;

    let job = app.job(id).await;
    assert_eq!((job.state, job.errors.len()), (State::Available, 1));
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_fails_at_once_and_says_why() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue_raw(r#"{"nonsense": true}"#).await;

    app.drain().await;

    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt), (State::Failed, 1));
    assert!(
        job.errors[0].starts_with("the payload is not one of probe version 1: unknown variant"),
        "{:?}",
        job.errors
    );
}
