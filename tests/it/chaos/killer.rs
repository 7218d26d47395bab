//! A job that kills its process each time: its former neighbours succeed, and it fails after its attempts.

use super::processes::{Cast, Part, Play, event};
use super::queue::Message;
use super::stage::prepare;
use super::tally::Tally;
use crate::hosts::eventually;
use crate::support::TestApp;
use crate::support::runtime_api::Invocation;
use actors::{Act, Deed, Doomed, registry};
use serde_json::json;
use shared::ids::JobId;
use shared::jobs::{NewJob, State};
use std::time::Duration;
use tempfile::TempDir;

/// Jobs beside the one that kills. Each has three attempts, as the killer has.
const NEIGHBOURS: usize = 9;

struct Crowd {
    app: TestApp,
    killer: JobId,
    neighbours: Vec<JobId>,
    environment: Vec<(String, String)>,
    _exports: TempDir,
}

impl Crowd {
    /// Writes the jobs, the killer in the middle of the others.
    async fn new() -> Self {
        let (app, exports) = (TestApp::with_kinds(registry()).await.may_leave_jobs(), TempDir::new().unwrap());
        prepare(&mut app.db().await).await;
        let doomed = |act| NewJob::new(&Doomed(Deed { act, slot: 0 })).unwrap();
        let (mut killer, mut neighbours) = (None, Vec::new());
        for n in 0..NEIGHBOURS {
            neighbours.push(app.enqueue_new(doomed(Act::Waits(400))).await.row.id);
            if n == NEIGHBOURS / 2 {
                killer = Some(app.enqueue_new(doomed(Act::Kills)).await.row.id);
            }
        }
        let folder = exports.path().to_str().unwrap().to_owned();
        let environment = [("DATABASE_URL", app.url.clone()), ("EXPORT_DIR", folder)];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Self { app, killer: killer.unwrap(), neighbours, environment, _exports: exports }
    }

    async fn is_over(&self) -> bool {
        let unfinished = "select count(*) from jobs where finished_at is null";
        let unfinished: i64 = sqlx::query_scalar(unfinished).fetch_one(&mut self.app.db().await).await.unwrap();
        unfinished == 0
    }

    /// The killer took its neighbours with it once and no more.
    async fn judge(&self) {
        for neighbour in &self.neighbours {
            let job = self.app.job(*neighbour).await;
            assert!(job.state == State::Succeeded && job.attempt <= 2, "{job:?}");
            assert_eq!(self.app.effects(*neighbour).await, 1);
        }
        let killer = self.app.job(self.killer).await;
        assert_eq!((killer.state, killer.attempt, self.app.effects(self.killer).await), (State::Failed, 3, 0));
        assert_eq!(killer.errors, ["the attempt was abandoned: its lease ran out"; 3]);
    }
}

#[tokio::test]
async fn in_batches_it_takes_its_neighbours_with_it_once() {
    let crowd = Crowd::new().await;
    let part = Part::new("actor", crowd.environment.clone());
    let messages: Vec<Message> = crowd
        .neighbours
        .iter()
        .chain([&crowd.killer])
        .enumerate()
        .map(|(n, job)| Message::new(n.to_string(), json!({ "job": job }).to_string()))
        .collect();
    let mut deaths = 0;

    while !crowd.is_over().await {
        let mut process = part.start().await;
        if let Invocation::Died(_) = process.invoke(&event(&messages)).await {
            deaths += 1;
        }
        eventually("the scheduler finds that the leases are over", Duration::from_secs(15), async || {
            crowd.app.tick().await;
            let running = "select count(*) from jobs where state = 'running'";
            let running: i64 = sqlx::query_scalar(running).fetch_one(&mut crowd.app.db().await).await.unwrap();
            (running == 0).then_some(())
        })
        .await;
    }

    assert_eq!(deaths, 3);
    crowd.judge().await;
}

#[tokio::test]
async fn without_a_queue_it_takes_its_neighbours_with_it_once() {
    let crowd = Crowd::new().await;
    let tally = Tally::default();
    let mut cast = Cast::new(tally.clone());
    let worker = Part::new("actor", crowd.environment.clone()).with([("ERRAND_ACTOR".to_owned(), "serve".to_owned())]);
    cast.add(worker, Play::Serve);
    cast.add(Part::new("scheduler", crowd.environment.clone()), Play::Ticks(Duration::from_millis(500)));

    eventually("all jobs are over", Duration::from_mins(1), async || crowd.is_over().await.then_some(())).await;

    cast.end().await;
    assert_eq!(tally.of("processes that died by themselves"), 3);
    crowd.judge().await;
}
