//! Waits between attempts.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use serde::{Deserialize, Serialize};
use shared::jobs::{Backoff, Context, Failure, Jitter, Job, NewJob, Outcome, Payload, Registry, enqueue_many};
use shared::mail::SendEmail;
use sqlx::Row as _;
use std::time::Duration;
use worker::State;

/// The table in `docs/jobs.md`, recomputed.
#[test]
fn the_documented_waits_are_those_of_the_code() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/jobs.md")).unwrap();
    let documented: Vec<(i32, Duration)> = page
        .lines()
        .skip_while(|line| !line.starts_with("| failed attempt | longest wait |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            (cells[1].parse().unwrap(), duration(cells[2]))
        })
        .collect();

    assert!(documented.len() >= 8, "the table is missing");
    for (attempt, wait) in documented {
        assert_eq!(Backoff::DEFAULT.longest_wait(attempt), wait, "after attempt {attempt}");
    }
}

#[tokio::test]
async fn a_failed_attempt_waits_no_longer_than_documented() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::Fail("no luck".to_owned())).await;

    app.batch(&[id]).await;

    let row = sqlx::query(
        "select extract(epoch from run_at - (errors -> 0 ->> 'at')::timestamptz)::float8 as wait from jobs where id = $1",
    )
    .bind(id)
    .fetch_one(&mut app.db().await)
    .await
    .unwrap();
    let wait: f64 = row.get("wait");
    assert!((0.0..=Backoff::DEFAULT.longest_wait(1).as_secs_f64()).contains(&wait), "{wait}");
}

macro_rules! fails {
    ($name:ident, $kind:literal, $jitter:ident) => {
        #[derive(Deserialize, Serialize)]
        struct $name;

        impl Payload for $name {
            const KIND: &'static str = $kind;
        }

        impl Job<State> for $name {
            const BACKOFF: Backoff =
                Backoff { base: Duration::from_secs(100), cap: Duration::from_secs(100), jitter: Jitter::$jitter };

            async fn run(self, _state: State, _context: Context) -> Result<Outcome, Failure> {
                Err(anyhow::anyhow!("no luck").into())
            }
        }
    };
}

fails!(FailsFull, "fails_full", Full);
fails!(FailsEqual, "fails_equal", Equal);
fails!(FailsNone, "fails_none", None);

#[tokio::test]
async fn a_kind_says_how_much_of_its_waits_is_left_to_chance() {
    let registry = Registry::default().with::<FailsFull>().with::<FailsEqual>().with::<FailsNone>();
    let app = TestApp::with_kinds(registry).await.may_leave_jobs();
    let jobs = (0..50).flat_map(|_| {
        [NewJob::new(&FailsFull).unwrap(), NewJob::new(&FailsEqual).unwrap(), NewJob::new(&FailsNone).unwrap()]
    });
    enqueue_many(&mut app.db().await, jobs.collect(), &app.clock).await.unwrap();

    app.drain().await;

    let waits = "
        select kind, min(wait), max(wait), count(distinct wait)
        from jobs
        cross join lateral (
            select extract(epoch from run_at - (errors -> 0 ->> 'at')::timestamptz)::float8 as wait
        ) as waited
        group by kind order by kind";
    let waits: Vec<(String, f64, f64, i64)> = sqlx::query_as(waits).fetch_all(&mut app.db().await).await.unwrap();
    let [equal, full, none] = waits.as_slice() else { panic!("{waits:?}") };
    assert!(equal.1 >= 50.0 && equal.2 <= 100.0 && equal.3 > 40, "{equal:?}");
    assert!(full.1 < 50.0 && full.2 > 50.0 && full.2 <= 100.0 && full.3 > 40, "{full:?}");
    assert_eq!((none.1, none.2, none.3), (100.0, 100.0, 1));
}

/// What `docs/jobs.md` says of mails.
#[test]
fn mails_are_tried_for_two_to_four_hours() {
    let backoff = <SendEmail as Job<State>>::BACKOFF;

    let longest: Duration = (1..SendEmail::MAX_ATTEMPTS).map(|attempt| backoff.longest_wait(attempt)).sum();

    assert_eq!((longest.as_secs(), backoff.jitter), (14_625, Jitter::Equal), "four hours, and half of that at least");
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_once(' ').unwrap();
    let number: u64 = number.parse().unwrap();
    match unit {
        "s" => Duration::from_secs(number),
        "min" => Duration::from_secs(number * 60),
        _ => panic!("{text} has another unit than s or min"),
    }
}
