//! Jobs that were in a crash run alone.

use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use shared::jobs::{End, Place, State, Unclaimed};
use std::time::Duration;

#[tokio::test]
async fn abandoned_jobs_are_claimed_one_at_a_time() {
    let app = TestApp::with_kinds(kinds()).await;
    let ids = [app.enqueue(&Probe::Effect).await, app.enqueue(&Probe::Effect).await];
    app.worker.runner.claim(&ids).await.unwrap();
    app.advance(Duration::from_secs(4));
    let before_rescue = app.worker.runner.claim(&ids).await.unwrap();
    app.tick().await;
    let innocent = app.enqueue(&Probe::Effect).await;

    let together = app.worker.runner.claim(&ids).await.unwrap();
    let next = app.worker.runner.next_alarm().await.unwrap();
    let line = app.worker.runner.claim_due(10, Place::START).await.unwrap().jobs;

    assert!(before_rescue.unclaimed.iter().all(|(_, why)| *why == Unclaimed::Suspect), "{before_rescue:?}");
    assert!(together.claimed.is_empty() && together.unclaimed.iter().all(|(_, why)| *why == Unclaimed::Suspect));
    assert!(next.suspects);
    assert_eq!(line.iter().map(|job| job.id).collect::<Vec<_>>(), [innocent]);

    app.advance(Duration::from_secs(4));
    let response = app.batch(&[ids[0], innocent, ids[1]]).await;

    assert_eq!(response.batch_item_failures.len(), 0);
    for id in [ids[0], ids[1], innocent] {
        assert_eq!((app.job(id).await.state, app.effects(id).await), (State::Succeeded, 1));
    }
}

#[tokio::test]
async fn an_orderly_end_lifts_the_quarantine() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::Fail("no luck".to_owned())).await;
    app.worker.runner.claim(&[id]).await.unwrap();
    app.advance(Duration::from_secs(4));

    let ends = app.drain().await;
    app.advance(Duration::from_mins(1));
    app.worker.runner.ring(10).await.unwrap();
    let line = app.worker.runner.claim_due(10, Place::START).await.unwrap().jobs;

    assert_eq!(ends, [(id, End::Retrying)]);
    assert_eq!(line.len(), 1);
}

/// A container that polls a queue runs several batches in one process.
#[tokio::test]
async fn a_suspect_runs_alone_in_its_process_whatever_other_batches_do() {
    let app = TestApp::with_kinds(kinds()).await;
    let suspect = app.enqueue(&Probe::Sleep(300)).await;
    app.worker.runner.claim(&[suspect]).await.unwrap();
    app.advance(Duration::from_secs(4));
    app.tick().await;
    let innocent = [app.enqueue(&Probe::Sleep(300)).await, app.enqueue(&Probe::Sleep(300)).await];

    let alone = [suspect];
    tokio::join!(app.batch(&alone), app.batch(&innocent[..1]), app.batch(&innocent[1..]));

    let overlap = "select count(*) from jobs as one join jobs as other on one.id < other.id
         and one.started_at < other.finished_at and other.started_at < one.finished_at
         where $1 in (one.id, other.id)";
    let overlaps: i64 = sqlx::query_scalar(overlap).bind(suspect).fetch_one(&mut app.db().await).await.unwrap();
    assert_eq!(overlaps, 0, "nothing ran beside the suspect");
    for id in innocent.into_iter().chain([suspect]) {
        assert_eq!((app.job(id).await.state, app.effects(id).await), (State::Succeeded, 1));
    }
}
