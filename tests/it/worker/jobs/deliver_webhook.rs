//! Delivering an event: what each answer means, how long it goes on, and when an endpoint is given up.

use crate::api::webhooks::{log, path, webhook};
use crate::support::TestApp;
use crate::support::postgres::run;
use crate::support::receiver::{Receiver, signature};
use serde_json::json;
use shared::jobs::{Backoff, End, Job, Payload as _};
use shared::webhooks::DeliverWebhook;
use std::time::Duration;
use worker::State;

/// Longer than any wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_hours(4);

#[tokio::test]
async fn a_delivery_is_signed_as_standard_webhooks_says() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    let before = app.clock.now().timestamp();

    ada.task(json!({ "title": "Zażółć gęślą jaźń ✓" })).await;
    app.drain().await;

    let calls = receiver.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].path.as_str(), calls[0].header("content-type")), ("/hook", "application/json"));
    assert_eq!(calls[0].header("webhook-id"), log(&ada, &created).await[0]["id"]);
    let timestamp: i64 = calls[0].header("webhook-timestamp").parse().unwrap();
    assert!((before..=app.clock.now().timestamp()).contains(&timestamp));
    assert!(calls[0].is_signed_by(created["secret"].as_str().unwrap()));
    assert_eq!(calls[0].body()["data"]["title"], "Zażółć gęślą jaźń ✓");
}

/// The example of the specification's reference implementations: the receiver of these tests signs as they do.
#[test]
fn the_receiver_verifies_as_the_specification_does() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let content = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;

    assert_eq!(signature(secret, content), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn a_failed_call_is_tried_again_under_the_same_id() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    receiver.answers([500]);
    ada.task(json!({})).await;

    app.drain().await;
    let failed = log(&ada, &created).await.remove(0);
    let failing = ada.get(&path(&created)).await.json(200);
    app.advance(LONGEST_WAIT);
    app.drain().await;
    let ada = ada.again().await;

    assert_eq!(
        (&failed["state"], &failed["attempts"], &failed["last_status"]),
        (&json!("pending"), &json!(1), &json!(500))
    );
    assert_eq!(
        (&failed["last_error"], &failed["last_answer"]),
        (&json!("the receiver answered 500"), &json!("as told"))
    );
    assert_eq!((&failing["failures"], &failing["failing_since"]), (&json!(1), &failed["last_attempt_at"]));
    let log = log(&ada, &created).await;
    assert_eq!(log.len(), 1);
    assert_eq!(
        (&log[0]["state"], &log[0]["attempts"], &log[0]["last_error"]),
        (&json!("delivered"), &json!(2), &json!(null))
    );
    let calls = receiver.calls();
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    assert_ne!(calls[0].header("webhook-timestamp"), calls[1].header("webhook-timestamp"));
    assert!(calls[1].is_signed_by(created["secret"].as_str().unwrap()));
    let healed = ada.get(&path(&created)).await.json(200);
    assert_eq!((&healed["failures"], &healed["failing_since"]), (&json!(0), &json!(null)));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_not_followed() {
    let app = TestApp::new().await.may_leave_jobs();
    let ada = app.actor().await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    receiver.answers_with(307, ("location", elsewhere.url()));
    ada.task(json!({})).await;

    let ends = app.drain().await;

    assert!(matches!(ends.as_slice(), [(_, End::Retrying)]), "{ends:?}");
    assert_eq!(elsewhere.calls().len(), 0);
    let error = "the receiver answered 307: redirects are not followed";
    assert_eq!(log(&ada, &created).await[0]["last_error"], error);
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_again() {
    let app = TestApp::new().await.may_leave_jobs();
    let ada = app.actor().await;
    let created = webhook(&ada, "http://127.0.0.1:1/hook", &["task.created"]).await;
    ada.task(json!({})).await;

    let ends = app.drain().await;

    assert!(matches!(ends.as_slice(), [(_, End::Retrying)]), "{ends:?}");
    let failed = log(&ada, &created).await.remove(0);
    assert_eq!(
        (&failed["state"], &failed["attempts"], &failed["last_status"]),
        (&json!("pending"), &json!(1), &json!(null))
    );
    assert_ne!(failed["last_error"], json!(null));
}

#[tokio::test]
async fn gone_disables_the_webhook_and_gives_the_delivery_up() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    receiver.answers([410]);
    ada.task(json!({})).await;

    let ends = app.drain().await;
    ada.task(json!({})).await;
    app.drain().await;

    assert!(matches!(ends.as_slice(), [(_, End::Failed)]), "{ends:?}");
    let webhook = ada.get(&path(&created)).await.json(200);
    assert_eq!((&webhook["state"], &webhook["disabled_reason"]), (&json!("disabled"), &json!("gone")));
    let log = log(&ada, &created).await;
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0]["state"], &log[0]["last_status"]), (&json!("failed"), &json!(410)));
    assert_eq!(receiver.calls().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let app = TestApp::new().await.may_leave_jobs();
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    webhook(&ada, &receiver.url(), &["task.created"]).await;
    for (status, asked, expected) in [(429, "600", 600), (503, "1", 15), (503, "9999999", 14_400)] {
        receiver.answers_with(status, ("retry-after", asked.to_owned()));
        ada.task(json!({})).await;

        app.drain().await;

        assert_eq!(latest_wait(&app).await, expected, "{status} {asked}");
    }
}

#[tokio::test]
async fn a_delivery_is_given_up_after_its_last_attempt() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    receiver.answers([500; 18]);
    ada.task(json!({})).await;

    let attempts = give_up(&app).await;
    let ada = ada.again().await;

    assert_eq!(attempts, 18);
    let ended = log(&ada, &created).await.remove(0);
    assert_eq!((&ended["state"], &ended["attempts"]), (&json!("failed"), &json!(18)));
    assert_eq!(ended["finished_at"], ended["last_attempt_at"]);
    // It failed for three days, at this test's pace.
    assert_eq!(ada.get(&path(&created)).await.json(200)["state"], "enabled");
}

#[tokio::test]
async fn a_webhook_that_failed_for_five_days_is_disabled_and_can_be_enabled_again() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    receiver.answers([500; 36]);
    for _ in 0..2 {
        ada.again().await.task(json!({})).await;
        give_up(&app).await;
    }

    let ada = ada.again().await;
    let disabled = ada.get(&path(&created)).await.json(200);
    let enabled = ada.patch(&path(&created), json!({ "state": "enabled" })).await.json(200);
    ada.task(json!({})).await;
    app.drain().await;

    assert_eq!((&disabled["state"], &disabled["disabled_reason"]), (&json!("disabled"), &json!("failing")));
    assert_eq!(disabled["failures"], 36);
    assert_eq!((&enabled["state"], &enabled["failures"]), (&json!("enabled"), &json!(0)));
    assert_eq!(log(&ada, &created).await[0]["state"], "delivered");
}

#[tokio::test]
async fn one_success_makes_five_days_of_failures_forgotten() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    receiver.answers([500; 18].into_iter().chain([200]).chain([500; 18]));
    for _ in 0..3 {
        ada.again().await.task(json!({})).await;
        give_up(&app).await;
    }

    let webhook = ada.again().await.get(&path(&created)).await.json(200);

    assert_eq!((&webhook["state"], &webhook["failures"]), (&json!("enabled"), &json!(18)));
}

#[tokio::test]
async fn a_given_up_delivery_can_be_replayed() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    receiver.answers([500; 18]);
    ada.task(json!({})).await;
    give_up(&app).await;
    let ada = ada.again().await;
    let delivery = log(&ada, &created).await.remove(0);

    let replay = format!("{}/deliveries/{}/replay", path(&created), delivery["id"].as_str().unwrap());
    ada.post(&replay, json!({})).await.json(202);
    app.drain().await;

    let ended = log(&ada, &created).await.remove(0);
    assert_eq!((&ended["state"], &ended["attempts"]), (&json!("delivered"), &json!(19)));
}

/// Its worker died in every attempt, say: nobody wrote on the delivery.
#[tokio::test]
async fn a_delivery_whose_job_ended_without_a_word_is_shown_as_ended_and_can_be_replayed() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    for (job_state, delivery_state) in [("failed", "failed"), ("cancelled", "cancelled")] {
        ada.task(json!({})).await;
        sqlx::query("update jobs set state = $1, wake_at = null, finished_at = now() where wake_at is not null")
            .bind(job_state)
            .execute(&mut app.db().await)
            .await
            .unwrap();

        let delivery = log(&ada, &created).await.remove(0);
        let replay = format!("{}/deliveries/{}/replay", path(&created), delivery["id"].as_str().unwrap());
        ada.post(&replay, json!({})).await.json(202);
        app.drain().await;

        assert_eq!(delivery["state"], delivery_state);
        assert_eq!(log(&ada, &created).await[0]["state"], "delivered");
    }
}

/// The same event may arrive twice, and the receiver can tell.
#[tokio::test]
async fn a_call_whose_end_was_not_written_is_made_again_under_the_same_id() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url(), &["task.created"]).await;
    ada.task(json!({})).await;
    let mut db = app.db().await;
    let refuse = "alter table webhook_deliveries add constraint refused check (attempts = 0)";
    run(&mut db, refuse).await;

    let ends = app.drain().await;
    run(&mut db, "alter table webhook_deliveries drop constraint refused").await;
    app.advance(LONGEST_WAIT);
    app.drain().await;
    let ada = ada.again().await;

    assert!(matches!(ends.as_slice(), [(_, End::Retrying)]), "{ends:?}");
    let calls = receiver.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    assert_eq!(log(&ada, &created).await[0]["state"], "delivered");
}

/// Recomputes what the comment of the kind and `docs/webhooks.md` say.
#[test]
fn the_waits_span_about_a_day() {
    let backoff: Backoff = <DeliverWebhook as Job<State>>::BACKOFF;
    let waits: Vec<u64> =
        (1..DeliverWebhook::MAX_ATTEMPTS).map(|attempt| backoff.longest_wait(attempt).as_secs()).collect();

    let longest: u64 = waits.iter().sum();

    assert_eq!(waits[..11], [15, 30, 60, 120, 240, 480, 960, 1_920, 3_840, 7_680, 14_400]);
    assert_eq!((waits.len(), longest), (17, 116_145));
    assert_eq!((longest / 2 / 3_600, longest * 3 / 4 / 3_600, longest / 3_600), (16, 24, 32));
    let documented = include_str!("../../../../docs/webhooks.md");
    for (index, wait) in waits.iter().take(11).enumerate() {
        let row = documented.lines().find(|line| line.starts_with(&format!("| {} ", index + 1)));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {} |", words(*wait)))), "{row:?} {wait}");
    }
}

/// Writes a wait as the table does.
fn words(seconds: u64) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Returns the seconds between the failure of the newest job and its next attempt.
async fn latest_wait(app: &TestApp) -> i64 {
    let statement = "select round(extract(epoch from run_at - (errors -> 0 ->> 'at')::timestamptz))::int8
                     from jobs order by id desc limit 1";
    sqlx::query_scalar(statement).fetch_one(&mut app.db().await).await.unwrap()
}

/// Lets a delivery be tried until it ends; returns how many attempts that took.
async fn give_up(app: &TestApp) -> usize {
    let mut attempts = 0;
    loop {
        let ends = app.drain().await;
        if ends.is_empty() {
            return attempts;
        }
        attempts += ends.len();
        app.advance(LONGEST_WAIT);
    }
}
