//! Claims: who gets a job, and why others do not.

use crate::support::TestApp;
use crate::support::postgres::run;
use crate::support::probe::{NewerProbe, Probe, kinds};
use chrono::TimeDelta;
use shared::ids::JobId;
use shared::jobs::{NewJob, Place, State, Unclaimed};
use sqlx::Connection as _;
use std::time::Duration;

#[tokio::test]
async fn a_claim_says_of_each_job_why_it_was_not_claimed() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let free = app.enqueue(&Probe::Nothing).await;
    let leased = app.enqueue(&Probe::Nothing).await;
    app.worker.runner.claim(&[leased]).await.unwrap();
    let later = NewJob::new(&Probe::Nothing).unwrap().at(app.clock.now() + TimeDelta::seconds(90));
    let later = app.enqueue_new(later).await.row.id;
    let newer = app.enqueue(&NewerProbe).await;
    let locked = app.enqueue(&Probe::Nothing).await;
    let finished = app.enqueue(&Probe::Nothing).await;
    app.batch(&[finished]).await;
    let missing = JobId::new();
    let mut other = app.db().await;
    let mut tx = other.begin().await.unwrap();
    sqlx::query("select 1 from jobs where id = $1 for update").bind(locked).execute(&mut *tx).await.unwrap();

    let claims = app.worker.runner.claim(&[free, leased, later, newer, locked, finished, missing]).await.unwrap();

    assert_eq!(claims.claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [free]);
    let reason = |id| claims.unclaimed.iter().find(|(job, _)| job.id == id).unwrap().1;
    assert_eq!(reason(leased), Unclaimed::Leased);
    assert_eq!(reason(newer), Unclaimed::Unsupported);
    assert_eq!(reason(locked), Unclaimed::Locked);
    assert_eq!(reason(finished), Unclaimed::Finished);
    assert_eq!(reason(missing), Unclaimed::Missing);
    assert!(matches!(reason(later), Unclaimed::NotDue(wait) if (85..=90).contains(&wait.as_secs())));
}

#[tokio::test]
async fn of_many_claims_at_once_one_gets_the_job() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ids = vec![app.enqueue(&Probe::Nothing).await, app.enqueue(&Probe::Nothing).await];
    let reversed: Vec<_> = ids.iter().rev().copied().collect();

    let claims = (0..20).map(|n| {
        let runner = app.worker.runner.clone();
        let ids = if n % 2 == 0 { ids.clone() } else { reversed.clone() };
        async move {
            runner.claim(&ids).await.unwrap().claimed.len()
                + runner.claim_due(10, Place::START).await.unwrap().jobs.len()
        }
    });
    let claimed: usize = futures(claims).await.into_iter().sum();

    assert_eq!(claimed, 2);
    assert_eq!(app.job(ids[0]).await.attempt, 1);
}

#[tokio::test]
async fn an_abandoned_job_is_claimed_again_behind_a_higher_fence() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let id = app.enqueue(&Probe::Nothing).await;
    let first = app.worker.runner.claim(&[id]).await.unwrap().claimed.remove(0);

    app.advance(Duration::from_secs(4));
    let second = app.worker.runner.claim_alone(id).await.unwrap().claimed.remove(0);

    assert_eq!((first.attempt, second.attempt), (1, 2));
    assert!(second.epoch > first.epoch);
    assert_eq!(app.job(id).await.errors, ["the attempt was abandoned: its lease ran out"]);
}

#[tokio::test]
async fn a_job_abandoned_in_its_last_attempt_is_failed_and_not_claimed() {
    let app = TestApp::with_kinds(kinds()).await;
    let id = app.enqueue(&Probe::Nothing).await;
    for _ in 0..3 {
        assert_eq!(app.worker.runner.claim_alone(id).await.unwrap().claimed.len(), 1);
        app.advance(Duration::from_secs(4));
    }

    let claims = app.worker.runner.claim(&[id]).await.unwrap();

    assert_eq!(claims.unclaimed[0].1, Unclaimed::Exhausted);
    let job = app.job(id).await;
    assert_eq!((job.state, job.attempt, job.errors.len()), (State::Failed, 3, 3));
}

#[tokio::test]
async fn a_claim_of_due_jobs_takes_no_more_than_it_may_even_with_misleading_statistics() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    for _ in 0..50 {
        app.enqueue(&Probe::Nothing).await;
    }
    run(&mut app.db().await, "analyze jobs").await;

    let claimed = app.worker.runner.claim_due(7, Place::START).await.unwrap().jobs;

    assert_eq!(claimed.len(), 7);
}

#[tokio::test]
async fn the_next_alarm_is_known() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let at = |seconds| NewJob::new(&Probe::Nothing).unwrap().at(app.clock.now() + TimeDelta::seconds(seconds));
    app.enqueue_new(at(3)).await;
    app.enqueue_new(at(300)).await;

    let soon = app.worker.runner.next_alarm().await.unwrap();
    app.advance(Duration::from_secs(100));
    app.drain().await;
    let later = app.worker.runner.next_alarm().await.unwrap();

    assert!(soon.alarm.is_some_and(|wait| (2..=3).contains(&wait.as_secs())), "{soon:?}");
    assert!(later.alarm.is_some_and(|wait| (195..=200).contains(&wait.as_secs())), "{later:?}");
    assert!(!soon.suspects);
}

async fn futures<T: Send + 'static>(futures: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    futures.collect::<tokio::task::JoinSet<T>>().join_all().await
}
