//! Jobs that are not due yet, locked rows, and too little time.

use crate::support::TestApp;
use crate::support::app::{event, failures};
use crate::support::probe::{NewerProbe, Probe, kinds};
use chrono::TimeDelta;
use serde_json::json;
use shared::ids::JobId;
use shared::jobs::{CHANNEL, NewJob, State};
use sqlx::Connection as _;
use sqlx::postgres::PgListener;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_job_that_is_due_in_a_moment_is_waited_for() {
    let app = TestApp::with_kinds(kinds()).await;
    let job = app.enqueue_new(in_milliseconds(&app, 700)).await.row.id;

    app.batch(&[job]).await;

    assert_eq!(app.job(job).await.state, State::Succeeded);
    let early: bool = sqlx::query_scalar("select started_at < run_at from jobs where id = $1")
        .bind(job)
        .fetch_one(&mut app.db().await)
        .await
        .unwrap();
    assert!(!early);
}

#[tokio::test]
async fn a_job_that_is_due_later_is_asked_for_again_with_the_delay_that_is_left() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let mut listener = listener(&app).await;
    let job = app.enqueue_new(in_milliseconds(&app, 60_000)).await.row.id;

    let response = app.batch(&[job]).await;

    assert_eq!(failures(&response).len(), 0);
    let (asked, after) = heard(&mut listener).await;
    assert_eq!(asked, job);
    assert!((58..=60).contains(&after), "{after}");
    assert_eq!(app.job(job).await.attempt, 0);
}

/// A message for each look would go round for ever; the alarm rings more and more rarely.
#[tokio::test]
async fn a_job_of_a_newer_build_is_left_to_its_alarm() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let mut listener = listener(&app).await;
    let newer = app.enqueue(&NewerProbe).await;
    let later = NewJob::new(&Probe::Nothing).unwrap().at(app.clock.now() + TimeDelta::seconds(30));
    let later = app.enqueue_new(later).await.row.id;

    let response = app.batch(&[newer, later]).await;

    assert_eq!(failures(&response).len(), 0);
    assert_eq!(heard(&mut listener).await.0, later, "nothing was said of the newer one");
    assert_eq!((app.job(newer).await.state, app.job(newer).await.attempt), (State::Available, 0));
}

#[tokio::test]
async fn a_row_that_is_locked_for_a_moment_delays_only_its_own_job() {
    let app = TestApp::with_kinds(kinds()).await;
    let locked = app.enqueue(&Probe::Effect).await;
    let free = app.enqueue(&Probe::Effect).await;
    let mut other = app.db().await;
    let mut tx = other.begin().await.unwrap();
    sqlx::query("select 1 from jobs where id = $1 for update").bind(locked).execute(&mut *tx).await.unwrap();

    let held = async {
        while app.job(free).await.state != State::Succeeded {
            tokio::task::yield_now().await;
        }
        tx.rollback().await.unwrap();
    };
    let ids = [locked, free];
    let (response, ()) = tokio::join!(app.batch(&ids), held);

    assert_eq!(failures(&response).len(), 0);
    assert_eq!((app.effects(locked).await, app.effects(free).await), (1, 1));
}

#[tokio::test]
async fn with_too_little_time_left_nothing_is_started_and_everything_is_asked_for_again() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let mut listener = listener(&app).await;
    let job = app.enqueue(&Probe::Effect).await;
    let bodies = [json!({ "job": job }).to_string()];

    let deadline = Instant::now() + Duration::from_secs(2);
    let response = worker::handle_batch(&app.worker, event(&bodies), deadline).await;

    assert_eq!(failures(&response).len(), 0);
    assert_eq!(heard(&mut listener).await, (job, 1));
    assert_eq!((app.job(job).await.state, app.job(job).await.attempt), (State::Available, 0));
}

#[tokio::test]
async fn an_attempt_ends_a_second_before_the_deadline() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let job = app.enqueue(&Probe::Sleep(60_000)).await;
    let bodies = [json!({ "job": job }).to_string()];

    let deadline = Instant::now() + Duration::from_millis(3_500);
    worker::handle_batch(&app.worker, event(&bodies), deadline).await;

    assert!(Instant::now() < deadline, "the batch was answered in time");
    let errors = app.job(job).await.errors;
    let seconds = errors[0].strip_prefix("the attempt timed out after ").unwrap().strip_suffix(" s").unwrap();
    let seconds: f64 = seconds.parse().unwrap();
    assert!((1.0..=2.5).contains(&seconds), "what is left when it starts, less the second: {errors:?}");
}

fn in_milliseconds(app: &TestApp, milliseconds: i64) -> NewJob {
    NewJob::new(&Probe::Effect).unwrap().at(app.clock.now() + TimeDelta::milliseconds(milliseconds))
}

async fn listener(app: &TestApp) -> PgListener {
    let mut listener = PgListener::connect(&app.url).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();
    listener
}

/// Returns the job of the next notice, and its delay in seconds.
async fn heard(listener: &mut PgListener) -> (JobId, u64) {
    let notice = listener.recv().await.unwrap();
    let (job, after) = notice.payload().split_once('@').unwrap();
    (JobId(job.parse().unwrap()), after.parse().unwrap())
}
