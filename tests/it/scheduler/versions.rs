//! Declarations that change, disappear and come back, and two versions that tick side by side.

use super::{another, app_with, at, go_to, made, probe, row};
use chrono::{DateTime, Utc};
use scheduler::Schedule;
use shared::jobs::Misfire;
use std::collections::BTreeSet;
use std::time::Duration;

fn nightly(cron: &'static str) -> Vec<Schedule> {
    vec![probe("nightly", cron, Misfire::Once)]
}

#[tokio::test]
async fn a_changed_expression_counts_from_the_start_of_the_process_that_has_it() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;

    let tick = another(&app, nightly("30 2 * * *")).tick().await.unwrap();

    assert_eq!(tick.scheduled, 0);
    let row = row(&app).await;
    assert_eq!((row.definition.cron.as_str(), row.next_at), ("30 2 * * *", at("2030-05-02T02:30:00Z")));
}

#[tokio::test]
async fn what_was_missed_before_a_change_is_made_up_for_by_the_old_definition() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;
    go_to(&app, "2030-05-03T12:00:00Z");

    let tick = another(&app, nightly("30 2 * * *")).tick().await.unwrap();

    assert_eq!(tick.scheduled, 1);
    assert_eq!(made(&app).await, [at("2030-05-03T03:00:00Z")]);
    assert_eq!(row(&app).await.next_at, at("2030-05-04T02:30:00Z"));
}

#[tokio::test]
async fn a_job_that_was_made_ahead_is_not_made_again_by_a_changed_schedule() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;
    go_to(&app, "2030-05-02T02:59:00Z");
    assert_eq!(app.tick().await.scheduled, 1);

    let changed = vec![probe("nightly", "0 3 * * *", Misfire::Skip)];
    let tick = another(&app, changed).tick().await.unwrap();
    go_to(&app, "2030-05-02T03:00:30Z");
    app.tick().await;

    assert_eq!(tick.scheduled, 0);
    assert_eq!(made(&app).await, [at("2030-05-02T03:00:00Z")]);
}

/// A deploy that takes an hour: both versions tick twice a minute.
#[tokio::test]
async fn two_versions_side_by_side_do_not_fight_and_double_nothing() {
    let app = app_with(probe("nightly", "*/10 * * * *", Misfire::Once), "2030-05-01T11:58:00Z").await;
    let newer = another(&app, vec![probe("nightly", "5/10 * * * *", Misfire::Once)]);
    assert!(newer.tick().await.is_ok(), "a declaration that is wrong is said, and the row stays");
    let newer = another(&app, vec![probe("nightly", "5-59/10 * * * *", Misfire::Once)]);

    let mut changes = BTreeSet::new();
    for _ in 0..120 {
        newer.tick().await.unwrap();
        app.tick().await;
        changes.insert(row(&app).await.changed_at);
        app.advance(Duration::from_secs(30));
    }

    assert!((2..=7).contains(&changes.len()), "the row changed {} times in an hour", changes.len());
    let times = made(&app).await;
    let different: BTreeSet<&DateTime<Utc>> = times.iter().collect();
    assert_eq!(different.len(), times.len(), "{times:?}");
    assert!((5..=8).contains(&times.len()), "{times:?}");
}

#[tokio::test]
async fn the_version_that_is_left_has_the_last_word_after_ten_minutes() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;
    let newer = another(&app, nightly("30 2 * * *"));
    newer.tick().await.unwrap();
    // One that starts late, and is gone at once.
    another(&app, nightly("0 3 * * *")).tick().await.unwrap();

    newer.tick().await.unwrap();
    let at_once = row(&app).await.definition.cron;
    app.advance(Duration::from_secs(10 * 60 + 1));
    newer.tick().await.unwrap();

    assert_eq!((at_once.as_str(), row(&app).await.definition.cron.as_str()), ("0 3 * * *", "30 2 * * *"));
}

/// Until the row is settled, the older version works by the newer one's definition: nothing is missed.
#[tokio::test]
async fn an_older_version_that_goes_on_ticking_works_by_the_row() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-02T02:25:00Z").await;
    another(&app, nightly("30 2 * * *")).tick().await.unwrap();
    go_to(&app, "2030-05-02T02:30:01Z");

    assert_eq!(app.tick().await.scheduled, 1);
    assert_eq!(made(&app).await, [at("2030-05-02T02:30:00Z")]);
}

#[tokio::test]
async fn a_removed_schedule_makes_no_more_jobs_and_is_forgotten_after_a_week() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;
    let newer = another(&app, Vec::new());

    newer.tick().await.unwrap();
    let retired = row(&app).await.retired;
    go_to(&app, "2030-05-08T11:59:00Z");
    newer.tick().await.unwrap();
    let kept = row(&app).await.retired;
    go_to(&app, "2030-05-08T12:01:00Z");
    newer.tick().await.unwrap();

    assert_eq!((retired, kept), (true, true));
    let left: i64 = sqlx::query_scalar("select count(*) from schedules").fetch_one(&mut app.db().await).await.unwrap();
    assert_eq!(left, 0);
    assert!(made(&app).await.is_empty());
}

#[tokio::test]
async fn a_rollback_finds_a_removed_schedule_where_it_was() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::All { at_most: 10 }), "2030-05-01T12:00:00Z").await;
    another(&app, Vec::new()).tick().await.unwrap();
    go_to(&app, "2030-05-03T12:00:00Z");

    let rolled_back = another(&app, vec![probe("nightly", "0 3 * * *", Misfire::All { at_most: 10 })]);
    rolled_back.tick().await.unwrap();

    assert_eq!(made(&app).await, [at("2030-05-02T03:00:00Z"), at("2030-05-03T03:00:00Z")]);
    assert!(!row(&app).await.retired);
}

/// A version that does not know a schedule retires its row; the one that knows it goes on all the same.
#[tokio::test]
async fn a_schedule_that_only_one_of_two_versions_knows_goes_on() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-02T02:50:00Z").await;
    let older = another(&app, Vec::new());

    for _ in 0..40 {
        older.tick().await.unwrap();
        app.tick().await;
        app.advance(Duration::from_secs(30));
    }

    assert_eq!(made(&app).await, [at("2030-05-02T03:00:00Z")]);
}
