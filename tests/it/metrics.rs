//! What is measured of the jobs, and how it is shown.

mod attempts;
mod emf;
mod kinds;
mod prometheus;
mod queue;

use crate::support::TestApp;
use crate::support::probe::kinds as probes;
use shared::metrics::Metrics;
use std::sync::Arc;

/// Starts with probes whose attempts are measured, by the instruments that the scheduler uses too.
async fn measured() -> (Metrics, TestApp) {
    let app = TestApp::with_kinds(probes()).await;
    let metrics = app.scheduler.upkeep.metrics.clone();
    app.worker.runner.observe(Arc::new(metrics.clone()));
    (metrics, app)
}
