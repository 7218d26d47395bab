//! Unique jobs: joined, not doubled.

use crate::support::TestApp;
use crate::support::probe::{OtherProbe, Probe, kinds};
use shared::ids::JobId;
use shared::jobs::{self, Enqueued, NewJob, Retry, State, Unique, enqueue, enqueue_many};
use sqlx::Connection as _;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

fn effect(unique: Unique) -> NewJob {
    NewJob::new(&Probe::Effect).unwrap().unique(unique)
}

fn coalesced() -> NewJob {
    effect(Unique::coalesce("report"))
}

fn exclusive() -> NewJob {
    effect(Unique::exclusive("report"))
}

fn ids(answers: &[Enqueued]) -> Vec<JobId> {
    answers.iter().map(|answer| answer.row.id).collect()
}

async fn jobs_written(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from jobs").fetch_one(&mut app.db().await).await.unwrap()
}

#[tokio::test]
async fn a_hundred_racing_enqueues_make_one_job() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut racers = JoinSet::new();
    for n in 0..100 {
        let (db, clock) = (app.handle(), app.clock.clone());
        racers.spawn(async move {
            let mut tx = loop {
                // A hundred at once are more than the server's connections.
                if let Ok(tx) = db.begin().await {
                    break tx;
                }
            };
            let job = if n % 2 == 0 { exclusive() } else { coalesced() };
            let answer = enqueue(&mut tx, job, &clock).await.unwrap();
            tx.commit().await.unwrap();
            db.close().await;
            answer
        });
        if racers.len() >= 25 {
            racers.join_next().await;
        }
    }
    racers.join_all().await;

    assert_eq!(jobs_written(&app).await, 1);
    app.drain().await;
}

#[tokio::test]
async fn enqueues_that_race_with_the_end_of_the_holder_join_it_or_make_one_that_follows() {
    let app = TestApp::with_kinds(kinds()).await;
    for _ in 0..15 {
        let first = app.enqueue_new(exclusive()).await.row.id;
        let racing = async {
            let (mut one, mut two) = (app.db().await, app.db().await);
            tokio::join!(enqueue(&mut one, exclusive(), &app.clock), enqueue(&mut two, exclusive(), &app.clock))
        };

        let ids = [first];
        let (_, (one, two)) = tokio::join!(app.batch(&ids), racing);

        let (one, two) = (one.unwrap(), two.unwrap());
        let others: Vec<JobId> = [one.row.id, two.row.id].into_iter().filter(|id| *id != first).collect();
        assert!(others.len() < 2 || others[0] == others[1], "two new jobs for one key");
        app.drain().await;
        assert_eq!(app.effects(first).await, 1);
    }
}

#[tokio::test]
async fn a_running_job_is_joined_by_an_exclusive_one_and_not_by_a_coalesced_one() {
    let app = TestApp::with_kinds(kinds()).await;
    let running = app.enqueue_new(coalesced()).await.row.id;
    let jobs = app.worker.runner.claim(&[running]).await.unwrap().claimed;

    let joined = app.enqueue_new(exclusive()).await;
    let new = app.enqueue_new(coalesced()).await;
    let mut shift = app.worker.runner.shift(None, Duration::from_secs(5));
    shift.start(jobs, Instant::now());
    while !shift.is_idle() {
        shift.turn().await;
    }
    app.drain().await;
    let after = app.enqueue_new(exclusive()).await;
    app.drain().await;

    assert_eq!((joined.row.id, joined.joined, joined.row.state), (running, true, State::Running));
    assert!(joined.notice.is_none() && new.notice.is_some());
    assert!(new.row.id != running && !new.joined);
    assert!(!after.joined, "nobody has the key any more");
}

/// It sees what the transaction wrote that joined it.
#[tokio::test]
async fn a_joined_job_starts_only_after_the_transaction_that_joined_it() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue_new(coalesced()).await.row.id;
    let mut db = app.db().await;
    let mut tx = db.begin().await.unwrap();
    let joined = enqueue(&mut tx, coalesced(), &app.clock).await.unwrap();

    let while_open = app.worker.runner.claim_due(10, jobs::Place::START).await.unwrap().jobs.len();
    let by_id = app.worker.runner.claim(&[id]).await.unwrap().claimed.len();
    tx.commit().await.unwrap();

    assert!(joined.joined);
    assert_eq!((while_open, by_id), (0, 0));
    assert_eq!(app.drain().await.len(), 1);
}

#[tokio::test]
async fn a_rolled_back_job_leaves_its_key() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut db = app.db().await;
    let mut tx = db.begin().await.unwrap();
    enqueue(&mut tx, exclusive(), &app.clock).await.unwrap();
    tx.rollback().await.unwrap();

    let next = app.enqueue_new(exclusive()).await;

    assert!(!next.joined);
    app.drain().await;
}

#[tokio::test]
async fn within_its_period_a_job_keeps_its_key_unless_it_failed() {
    let app = TestApp::with_kinds(kinds()).await;
    let hourly = || effect(Unique::coalesce("hourly").within(Duration::from_hours(1)));
    let first = app.enqueue_new(hourly()).await.row.id;
    app.drain().await;

    let joined = app.enqueue_new(hourly()).await;
    app.advance(Duration::from_mins(61));
    let next = app.enqueue_new(hourly()).await;
    jobs::cancel(&mut app.db().await, None, next.row.id, &app.clock).await.unwrap();
    let after_cancel = app.enqueue_new(hourly()).await;
    app.drain().await;

    assert_eq!((joined.row.id, joined.row.state), (first, State::Succeeded));
    assert!(!next.joined && !after_cancel.joined);
}

#[tokio::test]
async fn a_running_job_is_joined_within_its_period_and_after_it_by_an_exclusive_one_alone() {
    let app = TestApp::with_kinds(kinds()).await;
    let within = |unique: Unique| effect(unique.within(Duration::from_hours(1)));
    let (coalesced, exclusive) = (Unique::coalesce("hourly"), Unique::exclusive("hourly"));
    let running = app.enqueue_new(within(coalesced.clone())).await.row.id;
    assert_eq!(app.worker.runner.claim(&[running]).await.unwrap().claimed.len(), 1);

    let in_time = [within(coalesced.clone()), within(exclusive.clone())];
    let in_time = enqueue_many(&mut app.db().await, in_time.into(), &app.clock).await.unwrap();
    app.advance(Duration::from_mins(61));
    let later_exclusive = app.enqueue_new(within(exclusive)).await;
    let later_coalesced = app.enqueue_new(within(coalesced)).await;
    app.drain().await;

    assert_eq!(ids(&in_time), [running, running]);
    assert_eq!(later_exclusive.row.id, running);
    assert!(!later_coalesced.joined && later_coalesced.row.id != running);
}

#[tokio::test]
async fn keys_of_one_call_are_joined_among_themselves_and_other_kinds_have_their_own() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let other_kind = NewJob::new(&OtherProbe).unwrap().unique(Unique::exclusive("report"));
    let plain = NewJob::new(&Probe::Nothing).unwrap();
    let mut db = app.db().await;

    let answers = enqueue_many(&mut db, vec![exclusive(), plain, exclusive(), other_kind], &app.clock).await.unwrap();

    let ids = ids(&answers);
    assert_eq!(ids[0], ids[2]);
    assert_eq!(answers.iter().map(|answer| answer.joined).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(jobs_written(&app).await, 3);
}

#[tokio::test]
async fn a_failed_job_is_not_taken_up_again_while_another_has_its_key() {
    let app = TestApp::with_kinds(kinds()).await;
    let discard = NewJob::new(&Probe::Discard("no".to_owned())).unwrap().unique(Unique::exclusive("report"));
    let failed = app.enqueue_new(discard).await.row.id;
    app.drain().await;
    let holder = app.enqueue_new(exclusive()).await.row.id;

    let conflict = jobs::retry(&mut app.db().await, None, failed, &app.clock).await.unwrap();
    app.drain().await;
    let again = jobs::retry(&mut app.db().await, None, failed, &app.clock).await.unwrap();
    let joins = app.enqueue_new(exclusive()).await;
    app.drain().await;

    assert!(matches!(conflict, Retry::Conflict(id) if id == holder));
    assert!(matches!(again, Retry::Again(_)));
    assert_eq!(joins.row.id, failed, "it has its key back");
}
