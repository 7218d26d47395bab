//! Operations: the function does with them what whoever reaches the database does.

use crate::support::probe::{Probe, kinds};
use crate::support::{Log, TestApp, postgres};
use ::scheduler::operations::{
    Cancel, Cancelled, KindCounts, List, Means, Operation, Page, Perform, Retried, Retry, RetryFailed, Show, Stats,
};
use ::scheduler::{Invocation, handle};
use serde_json::{Value, json};
use shared::ids::{JobId, OwnerId};
use shared::jobs::{CHANNEL, NewJob, State};
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio::time::timeout;

const INVOCATION: Invocation<'static> = Invocation { id: "an-invocation", time_left: Duration::from_secs(30) };

async fn app() -> TestApp {
    TestApp::with_kinds(kinds()).await.may_leave_jobs()
}

async fn failed_job(app: &TestApp) -> JobId {
    let id = app.enqueue(&Probe::Discard("hopeless".to_owned())).await;
    app.batch(&[id]).await;
    id
}

/// What the function answers to an event.
async fn invoke(app: &TestApp, event: &Value) -> Value {
    handle(&app.scheduler, event, INVOCATION).await.unwrap()
}

/// What an operation answers with that is performed by the function.
async fn sent<Asked: Perform>(app: &TestApp, operation: Asked) -> Asked::Answer {
    let event = json!({ "jobs": Into::<Operation>::into(operation) });
    serde_json::from_value(invoke(app, &event).await["done"].take()).unwrap()
}

/// What it answers with here.
async fn here<Asked: Perform>(app: &TestApp, operation: Asked) -> Asked::Answer {
    let (db, notices) = (&mut app.db().await, &mut Vec::new());
    operation.perform(Means { db, clock: &app.clock, notices }).await.unwrap()
}

fn ids(page: &Page) -> Vec<JobId> {
    page.jobs.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn an_event_without_jobs_is_a_tick() {
    let app = app().await;
    app.enqueue(&Probe::Nothing).await;
    app.advance(Duration::from_mins(3));

    let answer = invoke(&app, &json!({ "source": "errand.tick" })).await;

    assert_eq!(answer["notified"], 1);
}

#[tokio::test]
async fn an_operation_does_not_tick() {
    let app = app().await;
    app.enqueue(&Probe::Nothing).await;
    app.advance(Duration::from_mins(3));

    invoke(&app, &json!({ "jobs": { "stats": {} } })).await;

    assert_eq!(app.tick().await.notified, 1, "the alarm is still to be rung");
}

#[tokio::test]
async fn jobs_are_looked_at_with_the_same_eyes() {
    let app = app().await;
    let owner = OwnerId::new();
    let failed = failed_job(&app).await;
    let of_ada = app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap().owned_by(owner)).await.row.id;
    let waiting = app.enqueue(&Probe::Nothing).await;
    let everything = List { limit: 10, ..List::default() };
    let lists = [
        (everything.clone(), vec![waiting, of_ada, failed]),
        (List { owner: Some(owner), ..everything.clone() }, vec![of_ada]),
        (List { state: Some(State::Failed), ..everything.clone() }, vec![failed]),
        (List { kind: Some("other".to_owned()), ..everything.clone() }, vec![]),
        (List { before: Some(waiting), limit: 1, ..everything }, vec![of_ada]),
    ];

    for (list, expected) in lists {
        let (there, here) = (sent(&app, list.clone()).await, here(&app, list.clone()).await);

        assert_eq!(ids(&there), expected, "{list:?}");
        assert_eq!(json!(there), json!(here), "{list:?}");
    }
    let (there, known) = (sent(&app, Show { id: failed }).await, here(&app, Show { id: failed }).await);
    assert_eq!(there.as_ref().unwrap()["errors"][0]["error"], "hopeless");
    assert_eq!(there, known);
    assert_eq!(sent(&app, Show { id: JobId::new() }).await, None);
    let counts = sent(&app, Stats {}).await;
    let oldest_due_s = counts[0].oldest_due_s;
    let expected =
        KindCounts { kind: "probe".to_owned(), available: 2, oldest_due_s, failed_24h: 1, ..KindCounts::default() };
    assert_eq!(counts, [expected]);
    assert_eq!(here(&app, Stats {}).await[0].failed_24h, 1);
}

#[tokio::test]
async fn a_page_has_an_end_and_says_so() {
    let app = app().await;
    let jobs = (0..51).map(|_| NewJob::new(&Probe::Nothing).unwrap()).collect();
    shared::jobs::enqueue_many(&mut app.db().await, jobs, &app.clock).await.unwrap();

    let first = sent(&app, List { limit: 10_000, ..List::default() }).await;
    let before = first.jobs.last().map(|job| job.id);
    let rest = sent(&app, List { limit: 10_000, before, ..List::default() }).await;

    assert_eq!((first.jobs.len(), first.has_more), (50, true));
    assert_eq!((rest.jobs.len(), rest.has_more), (1, false));
}

#[tokio::test]
async fn jobs_are_taken_up_again_and_workers_are_told() {
    let app = app().await;
    let (first, second) = (failed_job(&app).await, failed_job(&app).await);
    let done = app.enqueue(&Probe::Nothing).await;
    app.batch(&[done]).await;
    let missing = JobId::new();
    let mut listener = PgListener::connect(&app.url).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();

    let changes = sent(&app, Retry { ids: vec![first, done, missing] }).await;

    let succeeded = Retried::NotFailed(State::Succeeded);
    assert_eq!(changes.jobs, [(first, Retried::Again), (done, succeeded), (missing, Retried::Missing)]);
    let heard = timeout(Duration::from_secs(10), listener.recv()).await.unwrap();
    assert_eq!(heard.unwrap().payload(), format!("{first}@0"));
    let states = (app.job(first).await.state, app.job(second).await.state);
    assert_eq!(states, (State::Available, State::Failed));
}

#[tokio::test]
async fn failed_jobs_of_a_kind_are_taken_up_again_a_step_at_a_time() {
    let app = app().await;
    let mut failed = Vec::new();
    for _ in 0..3 {
        failed.push(failed_job(&app).await);
    }
    let step = |before, limit| RetryFailed { kind: "probe".to_owned(), before, limit };

    let first = sent(&app, step(None, 2)).await;
    let second = sent(&app, step(Some(failed[1]), 10_000)).await;
    let third = sent(&app, step(Some(failed[0]), 10_000)).await;

    assert_eq!(first.jobs, [(failed[2], Retried::Again), (failed[1], Retried::Again)]);
    assert_eq!(second.jobs, [(failed[0], Retried::Again)]);
    assert_eq!(third.jobs, []);
}

/// However many are asked for, since an invocation ends after a minute.
#[tokio::test]
async fn a_step_changes_a_hundred_jobs_at_most() {
    let app = app().await;
    let jobs = (0..101).map(|_| NewJob::new(&Probe::Nothing).unwrap()).collect();
    shared::jobs::enqueue_many(&mut app.db().await, jobs, &app.clock).await.unwrap();
    postgres::run(&mut app.db().await, "update jobs set state = 'failed', finished_at = now(), wake_at = null").await;

    let changes = sent(&app, RetryFailed { kind: "probe".to_owned(), before: None, limit: 100_000 }).await;

    assert_eq!(changes.jobs.len(), 100);
}

#[tokio::test]
async fn jobs_are_called_off() {
    let app = app().await;
    let (waiting, running) = (app.enqueue(&Probe::Nothing).await, app.enqueue(&Probe::Nothing).await);
    app.worker.runner.claim(&[running]).await.unwrap();
    let (failed, missing) = (failed_job(&app).await, JobId::new());

    let changes = sent(&app, Cancel { ids: vec![waiting, running, failed, missing] }).await;

    let became: Vec<Value> = changes.jobs.iter().map(|(_, became)| json!(became)).collect();
    assert_eq!(became, [json!("done"), json!("requested"), json!({ "finished": "failed" }), json!("missing")]);
    assert_eq!(app.job(waiting).await.state, State::Cancelled);
}

#[tokio::test]
async fn what_is_not_known_is_refused_and_changes_nothing() {
    let app = app().await;
    let failed = failed_job(&app).await;

    for operation in [
        json!({ "erase": { "ids": [failed] } }),
        json!({ "retry_failed": { "kind": "probe", "limit": 10, "older_than": "1 day" } }),
        json!({ "retry": { "ids": ["no id"] } }),
        json!("everything"),
    ] {
        let answer = invoke(&app, &json!({ "jobs": operation })).await;

        let reason = answer["failed"]["reason"].as_str().unwrap_or_else(|| panic!("{operation}: {answer}"));
        assert!(reason.starts_with("the function does not know this: "), "{operation}: {reason}");
    }
    assert_eq!(app.job(failed).await.state, State::Failed);
}

#[tokio::test]
async fn an_answer_that_lambda_would_not_let_through_is_refused() {
    let app = app().await;
    let id = app.enqueue(&Probe::Nothing).await;
    let large = "update jobs set payload = to_jsonb(repeat('x', 7000000))";
    sqlx::query(large).execute(&mut app.db().await).await.unwrap();

    let answer = invoke(&app, &json!({ "jobs": { "show": { "id": id } } })).await;

    let reason = answer["failed"]["reason"].as_str().unwrap();
    assert!(reason.ends_with("and Lambda lets 6291556 through: ask for less with --limit"), "{reason}");
}

#[tokio::test]
async fn a_database_that_is_away_is_an_answer() {
    let app = TestApp::without_database();

    let answer = invoke(&app, &json!({ "jobs": { "stats": {} } })).await;

    assert!(answer["failed"]["reason"].is_string(), "{answer}");
}

#[tokio::test]
async fn what_takes_too_long_is_given_up_before_lambda_does_it() {
    let app = app().await;
    let mut db = app.db().await;
    postgres::run(&mut db, "begin").await;
    postgres::run(&mut db, "lock table jobs").await;
    let invocation = Invocation { time_left: Duration::from_secs(3), ..INVOCATION };

    let event = json!({ "jobs": { "stats": {} } });
    let answer = handle(&app.scheduler, &event, invocation).await.unwrap();

    let said = "it was not done after 1 s; what was changed until then stays changed";
    assert_eq!(answer, json!({ "failed": { "reason": said } }));
}

/// The database refuses one job of several: what was done is told, and so is why there is no more of it.
#[tokio::test]
async fn a_step_that_breaks_off_tells_how_far_it_came() {
    let app = app().await;
    let (first, second) = (failed_job(&app).await, failed_job(&app).await);
    let waiting = app.enqueue(&Probe::Nothing).await;
    let stop = "create function stop() returns trigger language plpgsql as $$ begin raise 'no more'; end $$";
    postgres::run(&mut app.db().await, stop).await;
    let trigger = format!(
        "create trigger stop before update on jobs for each row when (old.id in ('{second}', '{waiting}'))
         execute function stop()"
    );
    postgres::run(&mut app.db().await, &trigger).await;

    let retried = sent(&app, Retry { ids: vec![first, second, waiting] }).await;
    let cancelled = sent(&app, Cancel { ids: vec![first, waiting, second] }).await;

    assert_eq!(retried.jobs, [(first, Retried::Again)]);
    assert!(retried.broken_off.unwrap().contains("no more"));
    assert_eq!(cancelled.jobs, [(first, Cancelled::Done)]);
    assert!(cancelled.broken_off.unwrap().contains("no more"));
    assert_eq!(app.job(first).await.state, State::Cancelled);
}

#[tokio::test]
async fn each_change_is_a_line_with_the_invocation_and_nothing_of_the_owner() {
    let app = app().await;
    let owner = OwnerId::new();
    let secret = Probe::Discard("the owner's secret".to_owned());
    let failed = app.enqueue_new(NewJob::new(&secret).unwrap().owned_by(owner)).await.row.id;
    app.batch(&[failed]).await;
    let waiting = app.enqueue_new(NewJob::new(&secret).unwrap().owned_by(owner)).await.row.id;
    let log = Log::begin();

    sent(&app, List { limit: 10, ..List::default() }).await;
    sent(&app, Show { id: failed }).await;
    sent(&app, Stats {}).await;
    assert_eq!(log.text(), "", "nothing was changed");
    sent(&app, Retry { ids: vec![failed, JobId::new()] }).await;
    sent(&app, Cancel { ids: vec![waiting, JobId::new()] }).await;
    invoke(&app, &json!({ "jobs": { "erase": { "owner": "the owner's secret" } } })).await;

    let lines = log.lines();
    crate::telemetry::check(&lines);
    let said: Vec<(&str, &Value, &Value)> =
        lines.iter().map(|line| (line["message"].as_str().unwrap(), &line["job.id"], &line["invocation.id"])).collect();
    let (invocation, failed, waiting) = (json!("an-invocation"), json!(failed), json!(waiting));
    let again = format!("Job {} was taken up again by an operator", failed.as_str().unwrap());
    let cancelled = format!("Job {} was cancelled by an operator", waiting.as_str().unwrap());
    assert_eq!(
        said,
        [
            (again.as_str(), &failed, &invocation),
            (cancelled.as_str(), &waiting, &invocation),
            ("What an operator asked for could not be done", &Value::Null, &invocation),
        ]
    );
    assert_eq!((&lines[0]["level"], &lines[0]["job.kind"]), (&json!("INFO"), &json!("probe")));
    assert!(!log.text().contains("secret"), "{}", log.text());
}
