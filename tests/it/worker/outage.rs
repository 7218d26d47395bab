//! The database goes away, and comes back.

use crate::support::TestApp;
use crate::support::app::failures;
use crate::support::probe::{Probe, kinds};
use shared::jobs::State;
use std::time::Duration;

#[tokio::test]
async fn a_batch_that_cannot_reach_the_database_is_delivered_again_and_nothing_is_lost() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let job = app.enqueue(&Probe::Effect).await;

    proxy.refuse(true);
    let down = app.batch(&[job]).await;
    proxy.refuse(false);
    let up = app.batch(&[job]).await;

    assert_eq!(failures(&down), ["0"]);
    assert_eq!(failures(&up), [""; 0]);
    assert_eq!((app.job(job).await.state, app.effects(job).await), (State::Succeeded, 1));
}

#[tokio::test]
async fn an_end_is_written_when_the_database_is_back() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let job = app.enqueue(&Probe::Progress(1, 200)).await;

    let cut = async {
        while app.job(job).await.state != State::Running {
            tokio::task::yield_now().await;
        }
        proxy.refuse(true);
        // Whoever wants a connection now wants to write the end: the job itself needs none.
        let refused = async {
            while proxy.refused() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), refused).await.expect("somebody tries again to write the end");
        proxy.refuse(false);
    };
    let ids = [job];
    let (response, ()) = tokio::join!(app.batch(&ids), cut);

    assert_eq!(failures(&response), [""; 0]);
    let job = app.job(job).await;
    assert_eq!((job.state, job.attempt), (State::Succeeded, 1));
}

#[tokio::test]
async fn an_attempt_whose_lease_cannot_be_kept_is_stopped_before_another_may_have_it() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let job = app.enqueue(&Probe::Sleep(2_900)).await;

    let cut = async {
        while app.job(job).await.state != State::Running {
            tokio::task::yield_now().await;
        }
        proxy.refuse(true);
    };
    let ids = [job];
    let (response, ()) = tokio::join!(app.batch(&ids), cut);
    proxy.refuse(false);

    assert_eq!(app.effects(job).await, 0);
    assert!(failures(&response).len() <= 1);
    app.advance(Duration::from_secs(4));
    app.tick().await;
    app.advance(Duration::from_secs(2));
    app.drain().await;
    assert_eq!((app.job(job).await.state, app.effects(job).await), (State::Succeeded, 1));
}
