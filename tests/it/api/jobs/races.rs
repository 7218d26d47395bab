//! Calling off and taking up again, against everything else that happens to the same job.

use super::job;
use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use shared::jobs::State;
use std::time::Duration;

/// How often each race is run.
const ROUNDS: u32 = 60;

/// How much later a cancellation comes than in the round before.
const STEP: Duration = Duration::from_micros(300);

/// Whatever is answered is true, and the effect is there exactly when the job succeeded.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancel_against_a_run_has_one_outcome() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ada = app.actor().await;

    for round in 0..ROUNDS {
        let id = job(&app, &ada, &Probe::Effect).await;
        let path = format!("/v1/jobs/{id}/cancel");
        let cancel = async {
            // Meets the claim in some rounds, in others the run or the end.
            tokio::time::sleep(STEP * round).await;
            ada.act(&path).await
        };
        let batch = [id];
        let (answer, _) = tokio::join!(cancel, app.batch(&batch));

        let (row, effects) = (app.job(id).await, app.effects(id).await);
        let said = match answer.status {
            200 => answer.json(200)["state"].as_str().unwrap().to_owned(),
            _ => answer.problem(409)["errors"][0]["code"].as_str().unwrap().to_owned(),
        };
        match said.as_str() {
            "cancelled" => assert_eq!((row.state, row.attempt), (State::Cancelled, 0)),
            "finished" => assert_eq!(row.state, State::Succeeded),
            "running" => assert!([State::Succeeded, State::Cancelled].contains(&row.state), "{row:?}"),
            other => panic!("{other}"),
        }
        assert_eq!(effects, i64::from(row.state == State::Succeeded), "{said}: {row:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_retries_one_wins() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ada = app.actor().await;

    for _ in 0..ROUNDS / 4 {
        let id = job(&app, &ada, &Probe::Discard("hopeless".to_owned())).await;
        app.batch(&[id]).await;
        let before = app.job(id).await;
        let path = format!("/v1/jobs/{id}/retry");

        let (first, second) = tokio::join!(ada.act(&path), ada.act(&path));

        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 409]);
        assert_eq!(app.job(id).await.epoch, before.epoch + 1);
    }
}
