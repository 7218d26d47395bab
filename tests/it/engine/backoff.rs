//! Waits between attempts.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use shared::jobs::Backoff;
use sqlx::Row as _;
use std::time::Duration;

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

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_once(' ').unwrap();
    let number: u64 = number.parse().unwrap();
    match unit {
        "s" => Duration::from_secs(number),
        "min" => Duration::from_secs(number * 60),
        _ => panic!("{text} has another unit than s or min"),
    }
}
