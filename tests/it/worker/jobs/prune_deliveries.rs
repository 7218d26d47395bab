//! Old deliveries of webhooks.

use crate::api::webhooks::{log, webhook};
use crate::support::TestApp;
use crate::support::receiver::Receiver;
use chrono::TimeDelta;
use serde_json::json;
use shared::ids::JobId;
use shared::jobs::{self, State};
use shared::webhooks::PruneDeliveries;

#[tokio::test]
async fn a_delivery_stays_for_thirty_days_and_one_under_way_for_longer() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let heard = webhook(&ada, &receiver.url(), &["task.created"]).await;
    let waiting = webhook(&ada, "http://127.0.0.1:9", &["task.deleted"]).await;
    let task = ada.task(json!({})).await;
    app.drain().await;
    ada.delete(&format!("/v1/tasks/{}", task["id"].as_str().unwrap())).await;
    let now = app.clock.now();

    let young = app.run(&PruneDeliveries::at(now + TimeDelta::days(29))).await;
    let logged = log(&ada, &heard).await.len();
    let old = app.run(&PruneDeliveries::at(now + TimeDelta::days(31))).await;

    assert_eq!((young.state, young.result, logged), (State::Succeeded, Some(json!({ "deleted": 0 })), 1));
    assert_eq!((old.state, old.result), (State::Succeeded, Some(json!({ "deleted": 1 }))));
    assert_eq!((log(&ada, &heard).await.len(), log(&ada, &waiting).await.len()), (0, 1));
    drop(app.may_leave_jobs());
}

#[tokio::test]
async fn a_delivery_whose_job_was_called_off_goes_too() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let webhook = webhook(&ada, "http://127.0.0.1:9", &["task.created"]).await;
    ada.task(json!({})).await;
    let mut db = app.db().await;
    let job: JobId = sqlx::query_scalar("select job_id from webhook_deliveries").fetch_one(&mut db).await.unwrap();
    jobs::cancel(&mut db, None, job, &app.clock).await.unwrap();

    let pruned = app.run(&PruneDeliveries::at(app.clock.now() + TimeDelta::days(31))).await;

    assert_eq!(pruned.result, Some(json!({ "deleted": 1 })));
    assert_eq!(log(&ada, &webhook).await.len(), 0);
}

#[tokio::test]
async fn many_are_deleted_in_steps() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;
    app.drain().await;
    let more = "
        insert into webhook_deliveries
            (id, endpoint_id, owner_id, event_type, payload, job_id, state, attempts, last_attempt_at, created_at, finished_at)
        select (left(id::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, endpoint_id, owner_id, event_type, payload, job_id,
            state, attempts, last_attempt_at, created_at, finished_at
        from webhook_deliveries, generate_series(1, 2500) as n";
    sqlx::query(more).execute(&mut app.db().await).await.unwrap();

    let job = app.run(&PruneDeliveries::at(app.clock.now() + TimeDelta::days(31))).await;

    assert_eq!((job.state, job.result), (State::Succeeded, Some(json!({ "deleted": 2_501 }))));
}
