//! `errand jobs`: the real binary against a real database, and moto's queues.

mod change;
mod look;
mod redrive;
mod stack;
mod whereabouts;

use crate::hosts::{Ran, run};
use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use serde_json::Value;
use shared::ids::JobId;

/// Jobs to look after: functions with probes, whose jobs may stay unfinished.
async fn app() -> TestApp {
    TestApp::with_kinds(kinds()).await.may_leave_jobs()
}

/// Runs `errand jobs` on the database of an app.
async fn jobs(app: &TestApp, arguments: &[&str]) -> Ran {
    jobs_with(app, arguments, &[]).await
}

/// As [`jobs`], with further variables.
async fn jobs_with(app: &TestApp, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut all = vec!["jobs"];
    all.extend(arguments);
    let mut variables = vec![("DATABASE_URL", app.url.as_str())];
    variables.extend(environment);
    run(&all, &variables).await
}

/// Writes a job that fails for good, and lets it.
async fn failed_job(app: &TestApp) -> JobId {
    let id = app.enqueue(&Probe::Discard("hopeless".to_owned())).await;
    app.batch(&[id]).await;
    id
}

impl Ran {
    /// Insists that all was done, and returns what it says.
    #[track_caller]
    fn done(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", self.stdout);
        &self.stdout
    }

    /// Insists that all was done, and returns what it says as JSON.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(self.done()).unwrap()
    }
}
