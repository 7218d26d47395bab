//! One batch with everything in it.

use crate::support::TestApp;
use crate::support::app::failures;
use crate::support::probe::{NewerProbe, Probe, kinds};
use serde_json::json;
use shared::ids::JobId;
use shared::jobs::State;

fn body(job: JobId) -> String {
    json!({ "job": job }).to_string()
}

#[tokio::test]
async fn a_batch_with_every_trouble_in_it_does_the_rest_and_reports_only_what_must_come_again() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let mut good = Vec::new();
    for _ in 0..5 {
        good.push(app.enqueue(&Probe::Effect).await);
    }
    let panics = app.enqueue(&Probe::Panic("boom".to_owned())).await;
    let slow = app.enqueue(&Probe::Sleep(60_000)).await;
    let done = app.enqueue(&Probe::Effect).await;
    app.batch(&[done]).await;
    let mut bodies: Vec<String> = good.iter().map(|job| body(*job)).collect();
    bodies.extend(["not a message".to_owned(), body(good[0]), body(panics), body(slow), body(done)]);

    let response = app.batch_of(&bodies).await;

    assert_eq!(failures(&response), ["5"], "only the undecodable record");
    for job in good {
        assert_eq!((app.job(job).await.state, app.effects(job).await), (State::Succeeded, 1));
    }
    assert_eq!(app.job(panics).await.errors, ["the attempt panicked: boom"]);
    let timed_out = app.job(slow).await;
    assert_eq!((timed_out.state, timed_out.attempt), (State::Available, 1));
    assert_eq!(timed_out.errors, ["the attempt timed out after 3.0 s"]);
    assert_eq!((app.job(done).await.attempt, app.effects(done).await), (1, 1));
}

#[tokio::test]
async fn the_others_are_not_held_up_by_a_slow_one() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let slow = app.enqueue(&Probe::Sleep(60_000)).await;
    let quick = app.enqueue(&Probe::Result(json!(1))).await;

    app.batch(&[slow, quick]).await;

    let gap: f64 = sqlx::query_scalar(
        "select extract(epoch from (select (errors -> 0 ->> 'at')::timestamptz from jobs where id = $1)
            - (select finished_at from jobs where id = $2))::float8",
    )
    .bind(slow)
    .bind(quick)
    .fetch_one(&mut app.db().await)
    .await
    .unwrap();
    assert!(gap > 2.0, "the quick one was written {gap} s before the slow one ended");
}

#[tokio::test]
async fn a_message_delivered_twice_at_the_same_time_runs_its_job_once() {
    let app = TestApp::with_kinds(kinds()).await;
    let job = app.enqueue(&Probe::Sleep(300)).await;

    let ids = [job];
    let (first, second) = tokio::join!(app.batch(&ids), app.batch(&ids));

    assert_eq!((failures(&first).len(), failures(&second).len()), (0, 0));
    assert_eq!((app.job(job).await.attempt, app.effects(job).await), (1, 1));
}

#[tokio::test]
async fn messages_of_jobs_that_are_gone_or_of_another_build_are_acknowledged() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let newer = app.enqueue(&NewerProbe).await;

    let response = app.batch(&[JobId::new(), newer]).await;

    assert_eq!(failures(&response), [""; 0]);
    let job = app.job(newer).await;
    assert_eq!((job.state, job.attempt), (State::Available, 0), "no attempt is burnt");
}

#[tokio::test]
async fn bodies_that_are_almost_right_are_undecodable() {
    let app = TestApp::with_kinds(kinds()).await;
    let bodies = ["", "{}", r#"{"job": 7}"#, r#"{"job": "not-an-id"}"#, "null"].map(ToOwned::to_owned);

    let response = app.batch_of(&bodies).await;

    assert_eq!(failures(&response), ["0", "1", "2", "3", "4"]);
}
