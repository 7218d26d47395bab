//! Jobs that no worker runs.

use super::measured;
use crate::support::TestApp;
use crate::support::pg_proxy::PgProxy;
use crate::support::probe::{NewerProbe, Probe, kinds};
use shared::metrics::Metrics;
use std::time::Duration;

/// Late enough to be missed.
const LATE: Duration = Duration::from_mins(3);

async fn unsupported(metrics: &Metrics, app: &TestApp) -> i64 {
    app.tick().await;
    metrics.snapshot().depths["probe"].unsupported
}

#[tokio::test]
async fn a_version_that_no_worker_names_is_counted_when_it_is_late() {
    let (metrics, app) = measured().await;
    let app = app.may_leave_jobs();
    app.worker.runner.announce().await;
    app.enqueue(&Probe::Nothing).await;
    app.enqueue(&NewerProbe).await;

    let early = unsupported(&metrics, &app).await;
    app.advance(LATE);
    let late = unsupported(&metrics, &app).await;

    assert_eq!((early, late), (0, 1));
}

#[tokio::test]
async fn a_kind_is_forgotten_after_a_day_unless_a_worker_names_it_again() {
    let (metrics, app) = measured().await;
    let app = app.may_leave_jobs();
    app.worker.runner.announce().await;
    app.enqueue(&Probe::Nothing).await;

    app.advance(Duration::from_hours(25));
    let forgotten = unsupported(&metrics, &app).await;
    app.worker.runner.announce().await;
    app.advance(Duration::from_mins(1));
    let named = unsupported(&metrics, &app).await;

    assert_eq!((forgotten, named), (1, 0));
}

#[tokio::test]
async fn a_worker_names_its_kinds_after_its_first_jobs_and_then_once_an_hour() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;

    let mut named = Vec::new();
    for minutes in [0, 1, 58, 2] {
        app.advance(Duration::from_mins(minutes));
        let id = app.enqueue(&Probe::Nothing).await;
        proxy.reset();
        app.batch(&[id]).await;
        named.push(position(&proxy, "job_kinds").is_some());
        assert!(position(&proxy, "job_kinds").is_none_or(|at| at > position(&proxy, "ended as").unwrap()));
    }

    assert_eq!(named, [true, false, false, true]);
}

#[tokio::test]
async fn a_worker_that_cannot_name_its_kinds_works_all_the_same() {
    let app = TestApp::with_kinds(kinds()).await;
    crate::support::postgres::run(&mut app.db().await, "drop table job_kinds").await;
    let id = app.enqueue(&Probe::Effect).await;

    let response = app.batch(&[id]).await;

    assert!(response.batch_item_failures.is_empty());
    assert_eq!(app.effects(id).await, 1);
}

/// Where the first statement with these words is.
fn position(proxy: &PgProxy, words: &str) -> Option<usize> {
    proxy.statements().iter().position(|statement| statement.contains(words))
}
