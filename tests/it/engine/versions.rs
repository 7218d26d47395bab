//! Payload versions: old and new workers on one queue.

use crate::support::TestApp;
use serde::{Deserialize, Serialize};
use shared::jobs::{Context, End, Failure, Job, Outcome, Payload, Registry, State};
use std::time::Duration;
use worker::State as WorkerState;

/// As it was: one name.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct GreetV1 {
    name: String,
}

/// As it is: several names.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Greet {
    names: Vec<String>,
}

impl Payload for GreetV1 {
    const KIND: &'static str = "greet";
}

impl Payload for Greet {
    const KIND: &'static str = "greet";
    const VERSION: i16 = 2;
}

impl From<GreetV1> for Greet {
    fn from(old: GreetV1) -> Self {
        Self { names: vec![old.name] }
    }
}

impl Job<WorkerState> for GreetV1 {
    async fn run(self, _state: WorkerState, context: Context) -> Result<Outcome, Failure> {
        context.done(format!("old: {}", self.name))
    }
}

impl Job<WorkerState> for Greet {
    async fn run(self, _state: WorkerState, context: Context) -> Result<Outcome, Failure> {
        context.done(format!("new: {}", self.names.join(", ")))
    }
}

fn before() -> Registry<WorkerState> {
    Registry::default().with::<GreetV1>()
}

fn after() -> Registry<WorkerState> {
    Registry::default().with::<Greet>().with_old::<GreetV1, Greet>()
}

#[tokio::test]
async fn old_payloads_are_run_by_new_workers_and_new_ones_wait_for_them() {
    let app = TestApp::with_kinds(before()).await;
    let new_worker = app.second_worker(after());
    let old = app.enqueue(&GreetV1 { name: "Ada".to_owned() }).await;
    let new = app.enqueue(&Greet { names: vec!["Ada".to_owned(), "Bo".to_owned()] }).await;

    // The old worker sees both, during the canary or after a rollback.
    let second_old = app.enqueue(&GreetV1 { name: "Cy".to_owned() }).await;
    app.batch(&[new, second_old]).await;
    let drained = app.drain().await;
    let attempts_before = app.job(new).await.attempt;
    app.batch_by(&new_worker, &[old, new]).await;

    assert_eq!(app.job(second_old).await.result, Some("old: Cy".into()));
    assert_eq!(drained, [(old, End::Succeeded)]);
    assert_eq!(attempts_before, 0, "looking at it costs no attempt");
    assert_eq!(app.job(new).await.result, Some("new: Ada, Bo".into()));
}

#[tokio::test]
async fn an_old_payload_is_made_into_a_new_one() {
    let app = TestApp::with_kinds(after()).await;
    let old = app.enqueue(&GreetV1 { name: "Ada".to_owned() }).await;

    app.drain().await;

    assert_eq!(app.job(old).await.result, Some("new: Ada".into()));
}

/// Each look is an alarm, and alarms ring more and more rarely: no message goes round.
#[tokio::test]
async fn a_newer_payload_that_meets_only_old_workers_waits_quietly() {
    let app = TestApp::with_kinds(before()).await.may_leave_jobs();
    let new = app.enqueue(&Greet { names: vec![] }).await;

    let mut looks = 0;
    for _ in 0..60 {
        app.advance(Duration::from_mins(1));
        if app.tick().await.notified > 0 {
            looks += 1;
            app.batch(&[new]).await;
        }
    }

    let job = app.job(new).await;
    assert_eq!((job.state, job.attempt, job.errors.len()), (State::Available, 0, 0));
    assert!((3..=8).contains(&looks), "{looks} looks in an hour");
}
