//! Whose webhooks they are: everybody else finds nothing.

use super::{log, path, webhook};
use crate::support::TestApp;
use crate::support::receiver::Receiver;
use serde_json::json;

#[tokio::test]
async fn somebody_elses_webhook_is_answered_as_if_it_were_not_there() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.actor().await, app.actor().await);
    let receiver = Receiver::start().await;
    let hers = webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;
    app.drain().await;
    let delivery = format!("{}/deliveries/{}", path(&hers), log(&ada, &hers).await[0]["id"].as_str().unwrap());
    let own = webhook(&eve, &receiver.url(), &["task.created"]).await;

    eve.get(&path(&hers)).await.problem(404);
    eve.patch(&path(&hers), json!({ "url": "https://example.com" })).await.problem(404);
    eve.delete(&path(&hers)).await.problem(404);
    eve.post(&format!("{}/rotate-secret", path(&hers)), json!({})).await.problem(404);
    eve.post(&format!("{}/test", path(&hers)), json!({})).await.problem(404);
    eve.get(&format!("{}/deliveries", path(&hers))).await.problem(404);
    eve.post(&format!("{delivery}/replay"), json!({})).await.problem(404);
    let through_own = delivery.replace(hers["id"].as_str().unwrap(), own["id"].as_str().unwrap());
    eve.post(&format!("{through_own}/replay"), json!({})).await.problem(404);

    assert_eq!(eve.get("/v1/webhooks").await.json(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(ada.get(&path(&hers)).await.json(200)["url"], receiver.url());
    assert_eq!(receiver.calls().len(), 1);
}

#[tokio::test]
async fn an_event_goes_to_its_owners_webhooks_alone() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.actor().await, app.actor().await);
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    webhook(&ada, &receiver.url(), &["task.created"]).await;
    webhook(&eve, &other.url(), &["task.created"]).await;

    ada.task(json!({})).await;
    app.drain().await;

    assert_eq!((receiver.calls().len(), other.calls().len()), (1, 0));
}
