//! What a tick costs.

use crate::support::TestApp;
use crate::support::probe::kinds;
use scheduler::{Schedules, declared};
use std::time::Duration;

#[tokio::test]
async fn a_tick_with_nothing_due_is_two_statements() {
    let (proxy, mut app) = TestApp::behind_proxy(kinds()).await;
    app.scheduler.schedules = Schedules::new(declared());
    // As in every host: the statements are prepared on the one connection.
    app.scheduler.db = app.scheduler.db.beside(1);
    // Not in the minutes before a schedule's time.
    super::go_to(&app, "2030-01-01T12:00:00Z");
    app.tick().await;
    app.tick().await;
    app.scheduler.db.settle().await;
    proxy.reset();

    app.tick().await;
    app.scheduler.db.settle().await;

    let statements = proxy.statements();
    assert_eq!(statements.len(), 2, "{statements:#?}");
    assert_eq!(proxy.round_trips(), 2, "{statements:#?}");
}

#[tokio::test]
async fn once_a_minute_it_is_four() {
    let (proxy, mut app) = TestApp::behind_proxy(kinds()).await;
    app.scheduler.schedules = Schedules::new(declared());
    app.scheduler.db = app.scheduler.db.beside(1);
    super::go_to(&app, "2030-01-01T12:00:00Z");
    app.tick().await;

    let mut statements = Vec::new();
    for _ in 0..4 {
        app.advance(Duration::from_secs(30));
        proxy.reset();
        app.tick().await;
        statements.push(proxy.statements().len());
    }

    assert_eq!(statements, [2, 4, 2, 4], "{:#?}", proxy.statements());
}
