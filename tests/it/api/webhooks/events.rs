//! From a change to its deliveries: which events there are, and that both are one transaction.

use super::{count, webhook};
use crate::support::receiver::Receiver;
use crate::support::{Actor, TestApp, postgres};
use serde_json::{Value, json};
use shared::jobs::Notice;
use shared::webhooks::{self, Event, EventType};
use sqlx::Connection as _;

const ALL: [&str; 4] = ["task.created", "task.updated", "task.completed", "task.deleted"];

#[tokio::test]
async fn each_change_of_a_task_is_an_event_with_the_task_as_it_is_then() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    webhook(&ada, &receiver.url(), &ALL).await;

    let created = ada.task(json!({ "title": "Nap", "tags": ["home"] })).await;
    let path = format!("/v1/tasks/{}", created["id"].as_str().unwrap());
    let updated = ada.patch(&path, json!({ "priority": 3 })).await.json(200);
    let done = ada.patch(&path, json!({ "status": "done" })).await.json(200);
    let again = ada.patch(&path, json!({ "status": "done", "title": "Nap more" })).await.json(200);
    ada.delete(&path).await;
    app.drain().await;

    let mut heard: Vec<(Value, Value)> =
        receiver.calls().iter().map(|call| (call.body()["type"].clone(), call.body()["data"].clone())).collect();
    // Deliveries are jobs, and so in no order.
    heard.sort_by_key(|(kind, data)| (data["version"].as_i64(), kind.to_string()));
    let expected = [
        ("task.created", &created),
        ("task.updated", &updated),
        ("task.completed", &done),
        ("task.updated", &done),
        ("task.deleted", &again),
        ("task.updated", &again),
    ];
    assert_eq!(heard, expected.map(|(kind, task)| (json!(kind), task.clone())));
}

#[tokio::test]
async fn a_body_says_what_happened_and_when() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    webhook(&ada, &receiver.url(), &["task.created"]).await;

    let task = ada.task(json!({})).await;
    app.drain().await;

    let body = receiver.calls()[0].body();
    assert_eq!(body, json!({ "type": "task.created", "timestamp": task["created_at"], "data": task }));
}

#[tokio::test]
async fn a_task_that_is_made_done_is_completed_too() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    webhook(&ada, &receiver.url(), &["task.completed"]).await;

    ada.task(json!({ "status": "done" })).await;
    ada.task(json!({ "status": "open" })).await;
    app.drain().await;

    let kinds: Vec<Value> = receiver.calls().iter().map(|call| call.body()["type"].clone()).collect();
    assert_eq!(kinds, ["task.completed"]);
}

#[tokio::test]
async fn each_webhook_hears_of_what_it_subscribed_to() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let (creations, deletions) = (Receiver::start().await, Receiver::start().await);
    webhook(&ada, &creations.url(), &["task.created"]).await;
    webhook(&ada, &deletions.url(), &["task.deleted", "task.created"]).await;

    let task = ada.task(json!({})).await;
    ada.delete(&format!("/v1/tasks/{}", task["id"].as_str().unwrap())).await;
    app.drain().await;

    assert_eq!((creations.calls().len(), deletions.calls().len()), (1, 2));
}

#[tokio::test]
async fn a_finished_export_is_an_event() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    webhook(&ada, &receiver.url(), &["export.finished"]).await;

    let accepted = ada.post("/v1/exports", json!({ "format": "csv" })).await;
    app.drain().await;

    let job = ada.get(accepted.header("location")).await.json(200);
    let body = receiver.calls()[0].body();
    assert_eq!((&body["type"], &body["data"]), (&json!("export.finished"), &job["result"]));
}

#[tokio::test]
async fn a_task_of_somebody_elses_changes_nothing_and_is_no_event() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.actor().await, app.actor().await);
    webhook(&eve, "https://example.com", &ALL).await;
    let task = ada.task(json!({})).await;
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());

    eve.patch(&path, json!({ "title": "mine" })).await.problem(404);
    eve.delete(&path).await.problem(404);

    assert_eq!(ada.get(&path).await.json(200), task);
    assert_eq!(count(&app, "webhook_deliveries").await, 0);
}

/// A constraint stands for whatever may go wrong.
#[tokio::test]
async fn a_change_whose_delivery_cannot_be_written_does_not_happen() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({ "title": "before" })).await;
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    webhook(&ada, "https://example.com", &ALL).await;
    let refuse = "alter table webhook_deliveries add constraint refused check (false)";
    postgres::run(&mut app.db().await, refuse).await;

    ada.post("/v1/tasks", json!({ "title": "new" })).await.problem(500);
    ada.patch(&path, json!({ "title": "after" })).await.problem(500);
    ada.delete(&path).await.problem(500);

    assert_eq!(ada.get("/v1/tasks").await.json(200)["items"], json!([task]));
    assert_eq!(count(&app, "jobs").await, 0);
}

#[tokio::test]
async fn an_event_that_is_rolled_back_leaves_neither_delivery_nor_job() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    webhook(&ada, "https://example.com", &["task.created"]).await;
    let event = Event::new(EventType::TaskCreated, app.clock.now(), &json!({})).unwrap();
    let mut db = app.db().await;

    let mut tx = db.begin().await.unwrap();
    let notices = webhooks::publish(&mut tx, ada.id, &[event], &app.clock).await.unwrap();
    tx.rollback().await.unwrap();

    assert!(matches!(notices.as_slice(), [Notice { .. }]), "{notices:?}");
    assert_eq!((count(&app, "webhook_deliveries").await, count(&app, "jobs").await), (0, 0));
}

/// The workers are told at once: nothing waits for the scheduler.
#[tokio::test]
async fn a_delivery_and_its_job_name_each_other() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;

    ada.task(json!({})).await;
    app.drain().await;

    let log = super::log(&ada, &created).await;
    let job = ada.get(&format!("/v1/jobs/{}", log[0]["job_id"].as_str().unwrap())).await.json(200);
    assert_eq!((&job["kind"], &job["state"]), (&json!("deliver_webhook"), &json!("succeeded")));
    assert_eq!(job["result"], json!({ "delivery": log[0]["id"], "state": "delivered", "status": 200 }));
}

#[tokio::test]
async fn an_event_while_its_webhook_is_deleted_is_no_failure() {
    let app = TestApp::new().await;
    let ada: Actor<'_> = app.actor().await;
    let created = webhook(&ada, "https://example.com", &["task.created"]).await;
    let event = Event::new(EventType::TaskCreated, app.clock.now(), &json!({})).unwrap();
    let (mut first, mut second) = (app.db().await, app.db().await);
    let mut publishing = first.begin().await.unwrap();
    webhooks::publish(&mut publishing, ada.id, &[event], &app.clock).await.unwrap();

    let delete = async {
        let id = shared::ids::WebhookId(created["id"].as_str().unwrap().parse().unwrap());
        webhooks::delete(&mut second, ada.id, id).await.unwrap()
    };
    let (deleted, committed) = tokio::join!(delete, publishing.commit());

    assert!(deleted && committed.is_ok());
    assert_eq!(count(&app, "webhook_deliveries").await, 0);
    app.drain().await;
}
