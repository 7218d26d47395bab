//! The worker without a queue.

use crate::support::TestApp;
use crate::support::postgres;
use crate::support::probe::{Probe, kinds};
use serde_json::json;
use shared::ids::JobId;
use shared::jobs::{LocalWorker, NewJob, Notifier, PostgresNotifier, State, enqueue_many};
use std::time::Duration;
use tokio::sync::oneshot;

/// Serves while the work is done, then stops.
async fn serve<T>(app: &TestApp, local: &LocalWorker, slots: usize, work: impl Future<Output = T>) -> T {
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = worker::serve(&app.worker, local, slots, async {
        let _sender_is_gone = stopped.await;
    });
    let working = async {
        let done = work.await;
        drop(stop);
        done
    };
    tokio::join!(Box::pin(serving), Box::pin(working)).1
}

async fn until(app: &TestApp, job: JobId, state: State) {
    while app.job(job).await.state != state {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_runs_what_is_there_and_what_it_is_told_of() {
    let app = TestApp::with_kinds(kinds()).await;
    let before = app.enqueue(&Probe::Effect).await;
    let local = LocalWorker::default();
    let notifier = Notifier::Postgres(PostgresNotifier::local(app.handle(), local.clone()));

    let after = serve(&app, &local, 4, async {
        until(&app, before, State::Succeeded).await;
        let after = app.enqueue_new(NewJob::new(&Probe::Effect).unwrap()).await;
        notifier.notify(after.notice).await;
        until(&app, after.row.id, State::Succeeded).await;
        after.row.id
    })
    .await;

    assert_eq!((app.effects(before).await, app.effects(after).await), (1, 1));
}

#[tokio::test]
async fn a_backlog_larger_than_its_slots_is_worked_off_without_being_told_again() {
    let app = TestApp::with_kinds(kinds()).await;
    let jobs = (0..200).map(|n| NewJob::new(&Probe::Result(json!(n))).unwrap()).collect();
    let jobs = enqueue_many(&mut app.db().await, jobs, &app.clock).await.unwrap();
    let local = LocalWorker::default();

    serve(&app, &local, 3, async {
        for job in &jobs {
            until(&app, job.row.id, State::Succeeded).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stop_lets_running_jobs_finish() {
    let app = TestApp::with_kinds(kinds()).await;
    let job = app.enqueue(&Probe::Sleep(500)).await;

    serve(&app, &LocalWorker::default(), 2, until(&app, job, State::Running)).await;

    assert_eq!((app.job(job).await.state, app.effects(job).await), (State::Succeeded, 1));
}

/// What ran beside a job that kills its process must not keep everybody waiting.
#[tokio::test]
async fn jobs_that_run_alone_and_the_line_take_turns() {
    let app = TestApp::with_kinds(kinds()).await;
    let mut suspects = Vec::new();
    for _ in 0..3 {
        suspects.push(app.enqueue(&Probe::Sleep(600)).await);
    }
    app.worker.runner.claim(&suspects).await.unwrap();
    app.advance(Duration::from_secs(4));
    app.tick().await;
    let mut innocent = Vec::new();
    for _ in 0..8 {
        innocent.push(app.enqueue(&Probe::Sleep(100)).await);
    }

    serve(&app, &LocalWorker::default(), 1, async {
        for job in suspects.iter().chain(&innocent) {
            until(&app, *job, State::Succeeded).await;
        }
    })
    .await;

    let started = "select array_position($1, id) is not null from jobs order by started_at";
    let alone: Vec<bool> = sqlx::query_scalar(started).bind(&suspects).fetch_all(&mut app.db().await).await.unwrap();
    let between = alone.split(|is_alone| *is_alone).nth(1).unwrap().len();
    assert!(between >= 3, "the line has as long as the job before it took: {alone:?}");
}

#[tokio::test]
async fn it_takes_a_database_that_is_away_and_comes_back() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    proxy.refuse(true);
    let job = app.enqueue(&Probe::Effect).await;

    serve(&app, &LocalWorker::default(), 2, async {
        // The first look fails: the pool gives up after a few seconds.
        while app.worker.runner.claim(&[]).await.is_ok() {
            tokio::task::yield_now().await;
        }
        proxy.refuse(false);
        until(&app, job, State::Succeeded).await;
    })
    .await;

    assert_eq!(app.effects(job).await, 1);
}

#[tokio::test]
async fn other_hosts_are_told_only_when_no_slot_is_free() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let mut listener = sqlx::postgres::PgListener::connect(&app.url).await.unwrap();
    listener.listen(shared::jobs::CHANNEL).await.unwrap();
    let local = LocalWorker::default();
    let notifier = Notifier::Postgres(PostgresNotifier::local(postgres::handle(&app.url, 1), local.clone()));
    let quiet = app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap()).await;
    let loud = app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap()).await;

    local.set_free(1);
    notifier.notify(quiet.notice).await;
    local.set_free(0);
    notifier.notify(loud.notice).await;

    assert!(listener.recv().await.unwrap().payload().starts_with(&loud.row.id.to_string()));
}
