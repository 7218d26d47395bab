//! The runs with jobs of every sort, on both of the worker's paths.

use super::director::Director;
use super::drain::{Hurry, drain, hurry};
use super::processes::{Cast, Part, Play};
use super::queue::Queue;
use super::settings::Settings;
use super::skew;
use super::stage::{Stage, connect};
use super::tally::Tally;
use super::verdict::judge;
use super::writers::{Tell, Wish, mixture, write};
use crate::hosts::{eventually, say};
use shared::jobs::{Notifier, PostgresNotifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often time is cut short while things break.
const HURRY: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_queue_nothing_is_lost_and_nothing_is_doubled() {
    let settings = Settings::of("with a queue");
    let tally = Tally::default();
    let mut stage = Stage::new().await;
    let queue = Queue::start(settings.random(1), tally.clone()).await;
    let environment: Vec<_> = stage.environment().into_iter().chain(queue.environment()).collect();
    let (worker, scheduler) = (Part::new("actor", environment.clone()), Part::new("scheduler", environment));
    let mut cast = Cast::new(tally.clone());
    for skew in [0, 3_600, -3_600].into_iter().cycle().take(settings.workers()) {
        cast.add(worker.clone().with(skew::environment(skew)), Play::Events(queue.clone()));
    }
    cast.add(scheduler.clone(), Play::Ticks(Duration::from_millis(700)));
    cast.add(scheduler.with(skew::environment(7_200)), Play::Ticks(Duration::from_millis(900)));
    queue.put("poison");

    let run = Run { settings, wish: Arc::new(mixture), queue: Some(&queue), hurry: Hurry::Waits, tally: &tally };
    run.go(&mut stage, cast, Tell::Queue(queue.clone())).await;

    let dead = queue.dead();
    assert!(dead.iter().any(|body| body == "poison"), "{dead:?}");
    // Their jobs were done all the same.
    tally.add("messages that became dead letters because their workers died", dead.len() as u64 - 1);
    say(&format!("chaos with a queue, seed {}:{tally}", settings.seed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_queue_nothing_is_lost_and_nothing_is_doubled() {
    let settings = Settings::of("without a queue");
    let tally = Tally::default();
    let mut stage = Stage::new().await;
    let worker = Part::new("actor", stage.environment()).with([("ERRAND_ACTOR".to_owned(), "serve".to_owned())]);
    let scheduler = Part::new("scheduler", stage.environment());
    let mut cast = Cast::new(tally.clone());
    for skew in [0, 86_400, -86_400].into_iter().cycle().take(settings.workers()) {
        cast.add(worker.clone().with(skew::environment(skew)), Play::Serve);
    }
    cast.add(scheduler.clone(), Play::Ticks(Duration::from_millis(700)));
    cast.add(scheduler.with(skew::environment(-7_200)), Play::Ticks(Duration::from_millis(900)));
    let notifier = Notifier::Postgres(PostgresNotifier::remote(stage.handle()));

    let run = Run { settings, wish: Arc::new(mixture), queue: None, hurry: Hurry::Waits, tally: &tally };
    run.go(&mut stage, cast, Tell::Notify(notifier)).await;

    say(&format!("chaos without a queue, seed {}:{tally}", settings.seed));
}

/// One run.
pub struct Run<'a> {
    /// Its size and seed.
    pub settings: Settings,
    /// The jobs.
    pub wish: Wish,
    /// The queue, if there is one.
    pub queue: Option<&'a Queue>,
    /// Whose time is cut short.
    pub hurry: Hurry,
    /// What happened.
    pub tally: &'a Tally,
}

impl Run<'_> {
    /// Writes jobs while everything breaks, lets the rest be done in peace, and judges.
    pub async fn go(&self, stage: &mut Stage, cast: Cast, tell: Tell) {
        let (settings, tally, db, url) = (self.settings, self.tally, stage.handle(), stage.url());
        let all_is_written = AtomicBool::new(false);
        let write = async {
            let written = write(settings, &db, &self.wish, &tell, tally).await;
            all_is_written.store(true, Ordering::Relaxed);
            written
        };
        let mut director =
            Director { stage, cast: &cast, queue: self.queue, random: settings.random(2), tally: tally.clone() };
        let mut enough = || all_is_written.load(Ordering::Relaxed);
        let written = tokio::select! {
            (written, ()) = async { tokio::join!(write, director.rage(&mut enough)) } => written,
            () = hurry(&url, HURRY, self.hurry) => unreachable!(),
        };

        let peace = Instant::now();
        if let Some(queue) = self.queue {
            queue.be_faithful();
        }
        drain(&url, settings.draining_time(), self.hurry).await;
        tally.add("seconds until all was done, in peace", peace.elapsed().as_secs());
        if let Some(queue) = self.queue {
            let empty = async || queue.is_empty().then_some(());
            eventually("the queue is empty", Duration::from_mins(1), empty).await;
        }
        cast.end().await;
        judge(&mut connect(&url).await, &written, tally).await;
        assert!(tally.of("jobs") >= u64::from(settings.jobs) * 9 / 10, "too few jobs were written:{tally}");
    }
}
