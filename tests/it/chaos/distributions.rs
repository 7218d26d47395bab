//! How late things happen: a killed worker's jobs, and jobs with a time of their own. Measured on real processes.

use super::processes::{Cast, Part, Play};
use super::queue::Queue;
use super::stage::prepare;
use super::tally::Tally;
use crate::hosts::{eventually, say};
use crate::support::postgres;
use actors::{Act, Brief, Deed};
use chrono::TimeDelta;
use shared::clock::Clock;
use shared::jobs::{Job, NewJob, enqueue_many};
use sqlx::PgConnection;
use std::time::Duration;
use tempfile::TempDir;

/// The time between two ticks, and the most that the invocation of one adds to it.
const TICK: Duration = Duration::from_millis(700);

/// How often a worker with [`SLOTS`] jobs is killed.
const KILLS: usize = 3;

/// The jobs that one worker process runs side by side.
const SLOTS: usize = 8;

/// Jobs with a time of their own.
const DELAYED: usize = 1_000;

/// The time between two ticks where they are rare, as on AWS.
const RARE_TICK: Duration = Duration::from_secs(8);

/// A database of its own, with processes that work on it.
struct Place {
    db: PgConnection,
    environment: Vec<(String, String)>,
    cast: Cast,
    queue: Option<Queue>,
    _exports: TempDir,
}

impl Place {
    /// Starts a scheduler on an empty database, without a queue.
    async fn new() -> Self {
        Self::of(None, Duration::from_millis(500)).await
    }

    /// Starts a scheduler that ticks rarely, and a queue that loses nothing.
    async fn with_queue() -> Self {
        let queue = Queue::start(fastrand::Rng::with_seed(1), Tally::default()).await;
        queue.be_faithful();
        Self::of(Some(queue), RARE_TICK).await
    }

    async fn of(queue: Option<Queue>, tick: Duration) -> Self {
        let (url, exports) = (postgres::database().await, TempDir::new().unwrap());
        let mut db = postgres::connect(&url).await;
        prepare(&mut db).await;
        let folder = exports.path().to_str().unwrap().to_owned();
        let environment = [("DATABASE_URL", url), ("EXPORT_DIR", folder)];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into_iter();
        let environment: Vec<_> = environment.chain(queue.iter().flat_map(Queue::environment)).collect();
        let mut cast = Cast::new(Tally::default());
        cast.add(Part::new("scheduler", environment.clone()), Play::Ticks(tick));
        Self { db, environment, cast, queue, _exports: exports }
    }

    fn worker(&self) -> Part {
        Part::new("actor", self.environment.clone()).with([("ERRAND_ACTOR".to_owned(), "serve".to_owned())])
    }

    async fn enqueue(&mut self, jobs: Vec<NewJob>) {
        enqueue_many(&mut self.db, jobs, &Clock::default()).await.unwrap();
    }

    /// Waits until a statement counts this many.
    async fn until(&mut self, count: usize, select: &'static str) {
        let what = format!("{count} are counted by {select}");
        eventually(&what, Duration::from_mins(1), async || {
            let found: i64 = sqlx::query_scalar(select).fetch_one(&mut self.db).await.unwrap();
            (usize::try_from(found).unwrap() == count).then_some(())
        })
        .await;
    }

    async fn seconds(&mut self, select: &'static str) -> Vec<f64> {
        sqlx::query_scalar(select).fetch_all(&mut self.db).await.unwrap()
    }
}

#[tokio::test]
async fn the_jobs_of_a_killed_worker_run_again_within_their_lease_and_a_tick() {
    let mut place = Place::new().await;
    postgres::run(&mut place.db, "create table kills (at timestamptz not null)").await;
    let mut waits = Vec::new();

    for _ in 0..KILLS {
        // Sleeps until it is killed, and is quick then: jobs that were in a crash run one by one.
        let job = || NewJob::new(&Brief(Deed { act: Act::Oversleeps, slot: 0 })).unwrap();
        place.enqueue((0..SLOTS).map(|_| job()).collect()).await;
        let mut killed = place.worker().start().await;
        place.until(SLOTS, "select count(*) from jobs where state = 'running'").await;
        killed.kill().await;
        postgres::run(&mut place.db, "insert into kills values (clock_timestamp())").await;
        let mut other = place.worker().start().await;
        place.until(SLOTS, "select count(*) from jobs where attempt = 2").await;
        waits.extend(
            place
                .seconds(
                    "select extract(epoch from at - (select max(at) from kills))::float8
                     from transitions where to_state = 'running' and to_attempt = 2",
                )
                .await,
        );
        place.until(SLOTS, "select count(*) from jobs where state = 'succeeded'").await;
        other.kill().await;
        postgres::run(&mut place.db, "truncate jobs, transitions, effects cascade").await;
    }

    let bound = (<Brief as Job<worker::State>>::TIMEOUT + TICK).as_secs_f64();
    let (median, worst) = (quantile(&mut waits, 500), quantile(&mut waits, 1_000));
    say(&format!(
        "{} jobs of {KILLS} killed workers ran again after {median:.2} s (median), {worst:.2} s (longest): {:.2} of \
         lease + tick = {bound:.1} s",
        waits.len(),
        worst / bound,
    ));
    assert_eq!(waits.len(), KILLS * SLOTS);
    assert!(worst / bound < 1.5, "{waits:?}");
    place.cast.end().await;
}

#[tokio::test]
async fn jobs_with_a_time_of_their_own_start_then_and_not_before() {
    let mut place = Place::new().await;
    let mut worker = place.worker().start().await;

    delay(&mut place, TimeDelta::seconds(3), "without a queue").await;

    worker.kill().await;
    place.cast.end().await;
}

/// The tick before their time sends their messages, each with the delay that is left.
#[tokio::test]
async fn with_a_queue_and_rare_ticks_they_start_to_the_second() {
    let mut place = Place::with_queue().await;
    let queue = place.queue.clone().unwrap();
    for _ in 0..3 {
        place.cast.add(Part::new("actor", place.environment.clone()), Play::Events(queue.clone()));
    }

    let after_a_tick = TimeDelta::from_std(RARE_TICK).unwrap() + TimeDelta::seconds(4);
    delay(&mut place, after_a_tick, "with a queue and a tick every 8 s").await;

    place.cast.end().await;
}

/// Writes jobs that are due over the quarter of a minute that begins after `lead`, and measures when they start.
async fn delay(place: &mut Place, lead: TimeDelta, how: &str) {
    let (from, mut random) = (Clock::default().now() + lead, fastrand::Rng::with_seed(1));
    let job = || {
        let job = NewJob::new(&Brief(Deed { act: Act::Quiet, slot: 0 })).unwrap();
        job.at(from + TimeDelta::milliseconds(random.i64(0..15_000)))
    };
    let jobs = std::iter::repeat_with(job).take(DELAYED).collect();

    place.enqueue(jobs).await;
    place.until(DELAYED, "select count(*) from jobs where state = 'succeeded'").await;

    let mut late = place.seconds("select extract(epoch from started_at - run_at)::float8 from jobs").await;
    let [earliest, median, p99, worst] = [0, 500, 990, 1_000].map(|permille| quantile(&mut late, permille) * 1_000.0);
    say(&format!(
        "{DELAYED} delayed jobs {how} started {median:.1} ms (median), {p99:.1} ms (p99), {worst:.1} ms (longest) after \
         their time"
    ));
    assert!(earliest >= 0.0, "one started {earliest} ms after its time");
    assert!(worst < 3_000.0, "one started {worst} ms after its time");
}

fn quantile(values: &mut [f64], permille: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * permille / 1_000]
}
