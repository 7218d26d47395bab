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
    assert!((58.0..=60.0).contains(&after), "{after}");
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
    assert_eq!(heard(&mut listener).await, (job, 1.0));
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

/// It would have to be sent again every quarter of an hour.
#[tokio::test]
async fn the_message_of_a_job_that_was_moved_far_away_is_left_to_its_alarm() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let mut listener = listener(&app).await;
    let far = app.enqueue_new(in_milliseconds(&app, 86_400_000)).await.row.id;
    let near = app.enqueue_new(in_milliseconds(&app, 60_000)).await.row.id;

    let response = app.batch(&[far, near]).await;

    assert_eq!(failures(&response).len(), 0);
    assert_eq!(heard(&mut listener).await.0, near, "nothing was said of the other one");
}

#[tokio::test]
async fn a_row_that_stays_locked_keeps_only_its_own_end_from_being_written() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let (locked, free) = (app.enqueue(&Probe::Progress(1, 700)).await, app.enqueue(&Probe::Progress(1, 700)).await);
    let mut other = app.db().await;

    let held = async {
        while app.job(locked).await.state != State::Running {
            tokio::task::yield_now().await;
        }
        let mut tx = other.begin().await.unwrap();
        sqlx::query("select 1 from jobs where id = $1 for update").bind(locked).execute(&mut *tx).await.unwrap();
        tx
    };
    let ids = [locked, free];
    let (response, tx) = tokio::join!(app.batch(&ids), held);

    assert_eq!(app.job(free).await.state, State::Succeeded);
    assert_eq!(failures(&response), ["0"]);
    tx.rollback().await.unwrap();
}

/// The time of an invocation is its first jobs'.
#[tokio::test]
async fn an_attempt_that_had_too_little_of_its_invocation_is_given_back() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let (first, late) = (app.enqueue(&Probe::Sleep(2_700)).await, app.enqueue(&Probe::Sleep(2_900)).await);
    let mut shift = app.worker.runner.shift(Some(Instant::now() + Duration::from_secs(5)), Duration::from_secs(5));

    for job in [first, late] {
        let claimed_at = Instant::now();
        shift.start(app.worker.runner.claim(&[job]).await.unwrap().claimed, claimed_at);
        while !shift.is_idle() {
            shift.turn().await;
        }
    }

    assert_eq!(app.job(first).await.state, State::Succeeded);
    let late = app.job(late).await;
    assert_eq!((late.state, late.attempt, late.errors.len()), (State::Available, 0, 0));
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
async fn heard(listener: &mut PgListener) -> (JobId, f64) {
    let notice = listener.recv().await.unwrap();
    let (job, after) = notice.payload().split_once('@').unwrap();
    (JobId(job.parse().unwrap()), after.parse().unwrap())
}
