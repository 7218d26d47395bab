//! Rotating the secret of a webhook.

use super::{path, webhook};
use crate::api::time;
use crate::support::TestApp;
use crate::support::receiver::Receiver;
use chrono::TimeDelta;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn both_secrets_sign_for_a_day_and_then_the_new_one_alone() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;

    let rotated = ada.post(&format!("{}/rotate-secret", path(&created)), json!({})).await.json(200);
    ada.task(json!({})).await;
    app.drain().await;
    app.advance(Duration::from_hours(24));
    ada.again().await.task(json!({})).await;
    app.drain().await;

    let (old, new) = (created["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    assert_ne!(old, new);
    assert_eq!(time(&rotated["previous_secret_until"]) - time(&rotated["updated_at"]), TimeDelta::hours(24));
    let calls = receiver.calls();
    assert!(calls[0].is_signed_by(new) && calls[0].is_signed_by(old));
    assert!(calls[1].is_signed_by(new) && !calls[1].is_signed_by(old));
    let signatures = calls.iter().map(|call| call.header("webhook-signature").split(' ').count());
    assert_eq!(signatures.collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn a_second_rotation_ends_the_secret_before_the_first() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    let rotate = format!("{}/rotate-secret", path(&created));

    let first = ada.post(&rotate, json!({})).await.json(200);
    let second = ada.post(&rotate, json!({})).await.json(200);
    ada.task(json!({})).await;
    app.drain().await;

    let signed =
        [&created, &first, &second].map(|answer| receiver.calls()[0].is_signed_by(answer["secret"].as_str().unwrap()));
    assert_eq!(signed, [false, true, true]);
}
