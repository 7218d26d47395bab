//! Calling jobs off, taking them up again, and moving them.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use chrono::TimeDelta;
use shared::ids::{JobId, OwnerId};
use shared::jobs::{self, Cancel, End, NewJob, Retry, State};
use std::time::{Duration, Instant};

async fn cancel(app: &TestApp, id: JobId) -> Cancel {
    jobs::cancel(&mut app.db().await, None, id, &app.clock).await.unwrap()
}

async fn retry(app: &TestApp, id: JobId) -> Retry {
    jobs::retry(&mut app.db().await, None, id, &app.clock).await.unwrap()
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once() {
    let app = TestApp::with_kinds(kinds()).await;
    let now = app.enqueue(&Probe::Effect).await;
    let later = NewJob::new(&Probe::Effect).unwrap().at(app.clock.now() + TimeDelta::days(3));
    let later = app.enqueue_new(later).await.row.id;

    let (first, second) = (cancel(&app, now).await, cancel(&app, later).await);
    app.advance(Duration::from_hours(73));
    let ends = app.drain().await;

    assert!(matches!(first, Cancel::Cancelled(row) if row.state == State::Cancelled && row.finished_at.is_some()));
    assert!(matches!(second, Cancel::Cancelled(_)));
    assert_eq!((ends, app.effects(now).await, app.effects(later).await), (vec![], 0, 0));
}

#[tokio::test]
async fn a_running_job_stops_at_its_next_await_within_its_lease() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Sleep(2_900)).await;
    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(app.worker.runner.claim(&[id]).await.unwrap().claimed, Instant::now());

    let asked = cancel(&app, id).await;
    let mut ends = Vec::new();
    while !shift.is_idle() {
        ends.extend(shift.turn().await);
    }

    assert!(matches!(asked, Cancel::Requested(row) if row.cancel_requested && row.state == State::Running));
    assert_eq!(ends, [(id, End::Cancelled)]);
    assert_eq!((app.job(id).await.state, app.effects(id).await), (State::Cancelled, 0));
}

#[tokio::test]
async fn what_would_go_back_ends_as_cancelled() {
    let app = TestApp::with_kinds(kinds()).await;
    for probe in [Probe::Fail("no".to_owned()), Probe::Snooze(5), Probe::Steps(2), Probe::Sleep(9_000)] {
        let is_abandoned = matches!(probe, Probe::Sleep(_));
        let id = app.enqueue(&probe).await;
        let jobs = app.worker.runner.claim(&[id]).await.unwrap().claimed;
        cancel(&app, id).await;

        if is_abandoned {
            app.advance(Duration::from_secs(4));
            assert_eq!(app.tick().await.cancelled, 1);
        } else {
            let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
            shift.start(jobs, Instant::now());
            while !shift.is_idle() {
                shift.turn().await;
            }
        }

        assert_eq!(app.job(id).await.state, State::Cancelled, "{probe:?}");
    }
}

/// The work is done: saying otherwise would be a lie.
#[tokio::test]
async fn an_attempt_that_commits_before_it_notices_has_succeeded() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;
    let jobs = app.worker.runner.claim(&[id]).await.unwrap().claimed;
    cancel(&app, id).await;

    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(jobs, Instant::now());
    while !shift.is_idle() {
        shift.turn().await;
    }

    assert_eq!((app.job(id).await.state, app.effects(id).await), (State::Succeeded, 1));
    assert!(matches!(cancel(&app, id).await, Cancel::Finished(row) if row.state == State::Succeeded));
}

#[tokio::test]
async fn in_a_race_with_the_worker_a_job_is_cancelled_or_done_and_its_effect_tells_which() {
    let app = TestApp::with_kinds(kinds()).await;
    for _ in 0..20 {
        let id = app.enqueue(&Probe::Effect).await;

        let ids = [id];
        tokio::join!(app.batch(&ids), cancel(&app, id));

        let expected = match app.job(id).await.state {
            State::Succeeded => 1,
            State::Cancelled => 0,
            other => panic!("{other:?}"),
        };
        assert_eq!(app.effects(id).await, expected);
    }
}

#[tokio::test]
async fn a_job_of_another_owner_is_not_there() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue_new(NewJob::new(&Probe::Effect).unwrap().owned_by(OwnerId::new())).await.row.id;
    let stranger = Some(OwnerId::new());

    let cancelled = jobs::cancel(&mut app.db().await, stranger, id, &app.clock).await.unwrap();
    let retried = jobs::retry(&mut app.db().await, stranger, id, &app.clock).await.unwrap();

    assert!(matches!(cancelled, Cancel::Missing));
    assert!(matches!(retried, Retry::Missing));
    assert_eq!(app.job(id).await.state, State::Available);
}

#[tokio::test]
async fn a_failed_job_is_taken_up_again_with_one_attempt_more() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Fail("no luck".to_owned())).await;
    for _ in 0..3 {
        app.drain().await;
        app.advance(Duration::from_mins(1));
    }
    assert_eq!(app.job(id).await.state, State::Failed);

    let again = retry(&app, id).await;
    let twice = retry(&app, id).await;
    let ends = app.drain().await;

    assert!(matches!(again, Retry::Again(job) if job.row.state == State::Available && job.notice.is_some()));
    assert!(matches!(twice, Retry::NotFailed(_)));
    assert_eq!(ends, [(id, End::Failed)]);
    assert_eq!((app.job(id).await.attempt, app.job(id).await.errors.len()), (4, 4));
}

#[tokio::test]
async fn a_cancelled_job_is_taken_up_again() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Effect).await;
    cancel(&app, id).await;

    retry(&app, id).await;
    app.drain().await;

    assert_eq!((app.job(id).await.state, app.effects(id).await), (State::Succeeded, 1));
}

#[tokio::test]
async fn a_job_that_has_not_started_is_moved_to_another_time() {
    let app = TestApp::with_kinds(kinds()).await;
    let in_days = |days| app.clock.now() + TimeDelta::days(days);
    let job = NewJob::new(&Probe::Effect).unwrap().at(in_days(3));
    let id = app.enqueue_new(job).await.row.id;

    let later = jobs::reschedule(&mut app.db().await, id, in_days(5), &app.clock).await.unwrap();
    app.advance(Duration::from_hours(4 * 24));
    let too_early = app.drain().await;
    let now = jobs::reschedule(&mut app.db().await, id, app.clock.now(), &app.clock).await.unwrap();
    let ends = app.drain().await;
    let over = jobs::reschedule(&mut app.db().await, id, in_days(9), &app.clock).await.unwrap();

    assert!(matches!(later, Some(None)), "nobody needs to be told of it yet");
    assert!(matches!(now, Some(Some(notice)) if notice.job == id));
    assert!(over.is_none());
    assert_eq!((too_early, ends), (vec![], vec![(id, End::Succeeded)]));
}
