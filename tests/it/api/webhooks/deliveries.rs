//! The log of deliveries, tests and replays.

use super::{log, path, webhook};
use crate::api::time;
use crate::support::TestApp;
use crate::support::receiver::Receiver;
use serde_json::{Value, json};

#[tokio::test]
async fn the_log_says_what_was_sent_and_what_came_back() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    let task = ada.task(json!({})).await;

    let before = log(&ada, &created).await;
    app.drain().await;
    let after = log(&ada, &created).await;

    let waiting = json!({
        "id": before[0]["id"],
        "webhook_id": created["id"],
        "event_type": "task.created",
        "payload": { "type": "task.created", "timestamp": task["created_at"], "data": task },
        "state": "pending",
        "attempts": 0,
        "last_attempt_at": null,
        "last_status": null,
        "last_answer": null,
        "last_error": null,
        "last_duration_ms": null,
        "job_id": before[0]["job_id"],
        "created_at": before[0]["created_at"],
        "finished_at": null,
    });
    assert_eq!(before, std::slice::from_ref(&waiting));
    let mut ended = waiting;
    ended["state"] = json!("delivered");
    ended["attempts"] = json!(1);
    ended["last_status"] = json!(200);
    ended["last_answer"] = json!("thanks");
    for field in ["last_attempt_at", "last_duration_ms", "finished_at"] {
        ended[field] = after[0][field].clone();
    }
    assert_eq!(after, [ended]);
    assert!(after[0]["last_duration_ms"].as_i64().unwrap() < 15_000);
    assert_eq!(after[0]["finished_at"], after[0]["last_attempt_at"]);
    assert!(time(&after[0]["finished_at"]) >= time(&after[0]["created_at"]));
}

#[tokio::test]
async fn the_log_comes_newest_first_in_pages() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    for number in 0..3 {
        ada.task(json!({ "title": number.to_string() })).await;
    }
    app.drain().await;

    let first = ada.get(&format!("{}/deliveries?limit=2", path(&created))).await;
    let second = ada.get(&first.next_page().unwrap()).await;

    let titles = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|item| item["payload"]["data"]["title"].clone()).collect()
    };
    assert_eq!((titles(&first.json(200)), titles(&second.json(200))), (vec![json!("2"), json!("1")], vec![json!("0")]));
    assert_eq!(second.next_page(), None);
}

#[tokio::test]
async fn a_webhook_without_deliveries_has_an_empty_log() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let created = webhook(&ada, "https://example.com", &["task.created"]).await;

    assert_eq!(log(&ada, &created).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_test_is_sent_whatever_the_webhook_hears_of() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.deleted"]).await;

    let answer = ada.post(&format!("{}/test", path(&created)), json!({})).await;
    app.drain().await;

    assert_eq!(answer.json(202)["kind"], "deliver_webhook");
    assert_eq!(ada.get(answer.header("location")).await.json(200)["state"], "succeeded");
    let body = receiver.calls()[0].body();
    assert_eq!((&body["type"], &body["data"]), (&json!("webhook.test"), &json!({ "webhook_id": created["id"] })));
    assert!(receiver.calls()[0].is_signed_by(created["secret"].as_str().unwrap()));
}

#[tokio::test]
async fn a_replay_sends_the_same_event_under_the_same_id() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;
    app.drain().await;
    let delivery = log(&ada, &created).await.remove(0);

    let replay = replay_path(&created, &delivery);
    let accepted = ada.post(&replay, json!({})).await.json(202);
    let under_way = log(&ada, &created).await.remove(0);
    app.drain().await;

    let calls = receiver.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    assert_eq!(calls[0].text, calls[1].text);
    assert_eq!((&under_way["state"], &under_way["job_id"]), (&json!("pending"), &accepted["id"]));
    let ended = log(&ada, &created).await.remove(0);
    assert_eq!((&ended["state"], &ended["attempts"]), (&json!("delivered"), &json!(2)));
}

#[tokio::test]
async fn what_is_under_way_is_not_replayed() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;
    let delivery = log(&ada, &created).await.remove(0);

    let refused = ada.post(&replay_path(&created, &delivery), json!({})).await.problem(409);
    app.drain().await;

    assert_eq!(refused["errors"][0]["code"], "under_way");
    assert_eq!(receiver.calls().len(), 1);
}

#[tokio::test]
async fn of_two_replays_at_once_one_is_made() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;
    app.drain().await;
    let replay = replay_path(&created, &log(&ada, &created).await[0]);

    let (first, second) = tokio::join!(ada.post(&replay, json!({})), ada.post(&replay, json!({})));
    app.drain().await;

    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409]);
    assert_eq!(receiver.calls().len(), 2);
}

#[tokio::test]
async fn nothing_is_sent_to_a_disabled_webhook_by_test_or_replay() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;
    app.drain().await;
    let delivery = log(&ada, &created).await.remove(0);
    ada.patch(&path(&created), json!({ "state": "disabled" })).await.json(200);

    for path in [format!("{}/test", path(&created)), replay_path(&created, &delivery)] {
        assert_eq!(ada.post(&path, json!({})).await.problem(409)["errors"][0]["code"], "disabled", "{path}");
    }
    assert_eq!(receiver.calls().len(), 1);
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let created = webhook(&ada, "https://example.com", &["task.created"]).await;
    let nothing = "01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001";

    for path in [
        format!("/v1/webhooks/{nothing}/test"),
        format!("/v1/webhooks/{nothing}/deliveries/{nothing}/replay"),
        format!("{}/deliveries/{nothing}/replay", path(&created)),
        format!("{}/deliveries/first/replay", path(&created)),
        format!("/v1/webhooks/first/deliveries/{nothing}/replay"),
    ] {
        ada.post(&path, json!({})).await.problem(404);
    }
}

fn replay_path(webhook: &Value, delivery: &Value) -> String {
    format!("{}/deliveries/{}/replay", path(webhook), delivery["id"].as_str().unwrap())
}
