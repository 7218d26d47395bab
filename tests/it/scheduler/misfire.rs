//! Times that passed while nothing ticked.

use super::{app_with, at, go_to, made, probe};
use chrono::{TimeDelta, Timelike};
use shared::jobs::Misfire;

#[tokio::test]
async fn after_an_outage_of_three_days_each_policy_makes_what_it_says() {
    let (second, third) = ("2030-05-03T03:00:00Z", "2030-05-04T03:00:00Z");
    let policies: [(Misfire, &[&str]); 5] = [
        (Misfire::Skip, &[]),
        (Misfire::Once, &[third]),
        (Misfire::All { at_most: 1 }, &[third]),
        (Misfire::All { at_most: 2 }, &[second, third]),
        (Misfire::All { at_most: 1_000 }, &["2030-05-02T03:00:00Z", second, third]),
    ];
    for (policy, expected) in policies {
        let app = app_with(probe("nightly", "0 3 * * *", policy), "2030-05-01T12:00:00Z").await;
        go_to(&app, "2030-05-04T12:00:00Z");

        let first = app.tick().await.scheduled;
        let again = app.tick().await.scheduled;
        let caught_up = made(&app).await;
        go_to(&app, "2030-05-05T03:00:01Z");
        let next = app.tick().await.scheduled;

        assert_eq!((first, again, next), (expected.len(), 0, 1), "{policy:?}");
        assert_eq!(caught_up, expected.iter().map(|time| at(time)).collect::<Vec<_>>(), "{policy:?}");
        assert_eq!(made(&app).await.last(), Some(&at("2030-05-05T03:00:00Z")), "{policy:?}");
    }
}

#[tokio::test]
async fn late_jobs_run_at_once() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::All { at_most: 3 }), "2030-05-01T12:00:00Z").await;
    go_to(&app, "2030-05-04T12:00:00Z");

    app.tick().await;

    assert_eq!(app.drain().await.len(), 3);
}

#[tokio::test]
async fn what_is_five_minutes_late_or_less_is_made_whatever_the_policy() {
    for policy in [Misfire::Skip, Misfire::Once, Misfire::All { at_most: 1 }] {
        let app = app_with(probe("each_minute", "* * * * *", policy), "2030-05-01T12:00:30Z").await;
        go_to(&app, "2030-05-01T12:20:30Z");

        app.tick().await;

        let times: Vec<u32> = made(&app).await.iter().map(Timelike::minute).collect();
        let late: &[u32] = if policy == Misfire::Skip { &[] } else { &[15] };
        assert_eq!(times, [late, &[16, 17, 18, 19, 20, 21, 22]].concat(), "{policy:?}");
    }
}

/// A year has half a million minutes: they are neither all made nor all looked at.
#[tokio::test]
async fn an_outage_of_a_year_ends_with_a_bounded_tick() {
    let policy = Misfire::All { at_most: 1_000 };
    let app = app_with(probe("each_minute", "* * * * *", policy), "2030-05-01T12:00:30Z").await;
    go_to(&app, "2031-05-01T12:00:30Z");

    let tick = app.tick().await;

    // Those that are not late, and two ahead.
    assert_eq!(tick.scheduled, 1_000 + 7);
    let times = made(&app).await;
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(1)));
    assert_eq!(times.last(), Some(&at("2031-05-01T12:02:00Z")));
}

/// What the row promised is kept, even if the rules of its zone changed since it was written.
#[tokio::test]
async fn the_time_in_the_row_counts() {
    let app = app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-05-01T12:00:00Z").await;
    let moved = "update schedules set next_at = '2030-05-02T02:00:00Z'";
    sqlx::query(moved).execute(&mut app.db().await).await.unwrap();

    go_to(&app, "2030-05-02T02:00:01Z");
    app.tick().await;
    go_to(&app, "2030-05-02T03:00:01Z");
    app.tick().await;

    assert_eq!(made(&app).await, [at("2030-05-02T02:00:00Z"), at("2030-05-02T03:00:00Z")]);
}
