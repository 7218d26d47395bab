//! The product's own functions, with the jobs they have: the binaries as they are deployed, behind a stub of Lambda's
//! Runtime API.

use super::drain::Hurry;
use super::processes::{Cast, Part, Play};
use super::queue::Queue;
use super::runs::Run;
use super::settings::Settings;
use super::stage::{Stage, connect};
use super::tally::Tally;
use super::writers::{Tell, Wish};
use crate::hosts::{say, slow_down, write_tasks};
use shared::clock::Clock;
use shared::exports::{ExportTasks, Format};
use shared::ids::OwnerId;
use shared::jobs::NewJob;
use shared::{tasks, users};
use sqlx::PgConnection;
use std::sync::Arc;
use std::time::Duration;

/// Exports are slower than the jobs of the other runs, so there are fewer.
const SHARE: u32 = 3;

/// Exports a second.
const PACE: f64 = 10.0;

/// Users who want exports.
const OWNERS: usize = 20;

/// What is an effect here: the row of an export, whose file bears the epoch of the attempt.
const EFFECTS: &str = r"
    drop table effects;
    create view effects as
    select job_id, substring(object_key from '-(\d+)\.[a-z]+$')::int as epoch from exports;
    drop table slots;
    create view slots as select count(*) as value from exports";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_functions_lose_no_export_and_make_none_twice() {
    let mut settings = Settings::of("of the functions");
    (settings.jobs, settings.pace) = (settings.jobs / SHARE, PACE);
    let tally = Tally::default();
    let mut stage = Stage::new().await;
    let owners = owners(&mut connect(&stage.url()).await).await;
    let queue = Queue::start(settings.random(1), tally.clone()).await;
    let environment: Vec<_> = stage.environment().into_iter().chain(queue.environment()).collect();
    let mut cast = Cast::new(tally.clone());
    for _ in 0..3 {
        cast.add(Part::new("worker", environment.clone()), Play::Events(queue.clone()));
    }
    for pause in [700, 900] {
        cast.add(Part::new("scheduler", environment.clone()), Play::Ticks(Duration::from_millis(pause)));
    }

    let run = Run { settings, wish: owners, queue: Some(&queue), hurry: Hurry::WaitsAndLeases, tally: &tally };
    run.go(&mut stage, cast, Tell::Queue(queue.clone())).await;

    let keys: Vec<String> =
        sqlx::query_scalar("select object_key from exports").fetch_all(&mut connect(&stage.url()).await).await.unwrap();
    for key in keys {
        assert!(stage.exports().join(&key).is_file(), "{key} is not there");
    }
    say(&format!("chaos of the functions, seed {}:{tally}", settings.seed));
}

/// Makes users with tasks, and lets the reading of tasks take its time; returns who wants an export of them next.
async fn owners(db: &mut PgConnection) -> Wish {
    sqlx::raw_sql(EFFECTS).execute(&mut *db).await.unwrap();
    let mut owners = Vec::new();
    for _ in 0..OWNERS {
        let owner = OwnerId::new();
        users::create(db, owner, &format!("{owner}@example.com"), "none", Clock::default().now()).await.unwrap();
        write_tasks(db, owner, 50).await;
        owners.push(owner);
    }
    slow_down(db, 0.1).await;
    Arc::new(move |random| {
        let format = if random.bool() { Format::Csv } else { Format::Json };
        let export = ExportTasks { format, filter: tasks::Filter::default() };
        NewJob::new(&export).unwrap().owned_by(owners[random.usize(0..owners.len())])
    })
}
