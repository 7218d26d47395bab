//! Reminders: they come, move and go with their task.

use crate::api::time;
use crate::support::{Actor, TestApp};
use chrono::{DateTime, Months, TimeDelta, Utc};
use serde_json::{Value, json};
use std::time::Duration;

/// Short enough that a token outlives a few of them.
const SOON: Duration = Duration::from_mins(3);

/// A time from now, as the API writes it.
fn ahead(app: &TestApp, by: Duration) -> String {
    at(app.clock.now() + TimeDelta::from_std(by).unwrap())
}

fn at(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn path(task: &Value) -> String {
    format!("/v1/tasks/{}", task["id"].as_str().unwrap())
}

/// The jobs that are to remind, newest first.
async fn reminders(ada: &Actor<'_>) -> Vec<Value> {
    let jobs = ada.get("/v1/jobs").await.json(200);
    let jobs = jobs["items"].as_array().unwrap().iter();
    jobs.filter(|job| job["kind"] == "remind_task").cloned().collect()
}

/// What reminders there are, each as its state and its time.
async fn states(ada: &Actor<'_>) -> Vec<(String, DateTime<Utc>)> {
    let jobs = reminders(ada).await;
    jobs.iter().map(|job| (job["state"].as_str().unwrap().to_owned(), time(&job["run_at"]))).collect()
}

fn subjects(app: &TestApp) -> Vec<String> {
    app.mails().into_iter().map(|letter| letter.subject).collect()
}

#[tokio::test]
async fn a_mail_comes_once_when_its_time_has_come() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let remind_at = ahead(&app, SOON);

    let task = ada.task(json!({ "title": "Nap", "remind_at": remind_at })).await;
    let early = app.drain().await;
    app.advance(SOON);
    app.drain().await;
    app.drain().await;

    assert_eq!(time(&task["remind_at"]), time(&json!(remind_at)));
    assert_eq!(early, []);
    let mails = app.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!((mails[0].to.clone(), mails[0].subject.as_str()), (format!("{}@example.com", ada.id), "Reminder: Nap"));
    let job = &reminders(&ada).await[0];
    assert_eq!(job["result"]["reminded"], true);
    let mail = ada.get(&format!("/v1/jobs/{}", job["result"]["mail_job"].as_str().unwrap())).await.json(200);
    assert_eq!((&mail["kind"], &mail["result"]["message_id"]), (&json!("send_email"), &json!(mails[0].message_id)));
    let task = ada.get(&path(&task)).await.json(200);
    assert_eq!((time(&task["remind_at"]), &task["version"]), (time(&json!(remind_at)), &json!(1)));
}

#[tokio::test]
async fn a_reminder_moves_with_its_task() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let later = ahead(&app, 3 * SOON);
    let task = ada.task(json!({ "remind_at": ahead(&app, SOON) })).await;
    let before = reminders(&ada).await;

    let moved = ada.patch(&path(&task), json!({ "remind_at": later })).await.json(200);

    assert_eq!(time(&moved["remind_at"]), time(&json!(later)));
    let after = reminders(&ada).await;
    assert_eq!((after.len(), &after[0]["id"]), (1, &before[0]["id"]));
    assert_eq!(time(&after[0]["run_at"]), time(&json!(later)));
    app.advance(2 * SOON);
    app.drain().await;
    assert_eq!(app.mails(), []);
    app.advance(2 * SOON);
    app.drain().await;
    assert_eq!(app.mails().len(), 1);
}

#[tokio::test]
async fn a_reminder_can_be_given_later_and_taken_away() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({})).await;

    ada.patch(&path(&task), json!({ "remind_at": ahead(&app, SOON) })).await.json(200);
    let given = states(&ada).await;
    let task = ada.patch(&path(&task), json!({ "remind_at": null })).await.json(200);

    assert_eq!(given[0].0, "available");
    assert_eq!(task["remind_at"], Value::Null);
    assert_eq!(states(&ada).await[0].0, "cancelled");
    app.advance(2 * SOON);
    assert_eq!(app.drain().await, []);
}

#[tokio::test]
async fn a_task_that_is_done_reminds_of_nothing_until_it_is_opened_again() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let remind_at = ahead(&app, SOON);
    let task = ada.task(json!({ "remind_at": remind_at })).await;

    let done = ada.patch(&path(&task), json!({ "status": "done" })).await.json(200);
    let while_done = states(&ada).await;
    ada.patch(&path(&task), json!({ "status": "open" })).await.json(200);

    assert_eq!(time(&done["remind_at"]), time(&json!(remind_at)));
    assert_eq!(while_done[0].0, "cancelled");
    let again = states(&ada).await;
    assert_eq!((again.len(), &again[0]), (2, &("available".to_owned(), time(&json!(remind_at)))));
    app.advance(SOON);
    app.drain().await;
    assert_eq!(app.mails().len(), 1);
}

#[tokio::test]
async fn a_task_that_is_made_done_has_no_reminder() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let task = ada.task(json!({ "status": "done", "remind_at": ahead(&app, SOON) })).await;
    ada.patch(&path(&task), json!({ "remind_at": ahead(&app, 2 * SOON) })).await.json(200);

    assert_eq!(reminders(&ada).await, [json!(null); 0]);
}

#[tokio::test]
async fn a_reminder_goes_with_its_task() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({ "remind_at": ahead(&app, SOON) })).await;

    assert_eq!(ada.delete(&path(&task)).await.status, 204);

    assert_eq!(states(&ada).await[0].0, "cancelled");
    ada.get(&path(&task)).await.problem(404);
    ada.delete(&path(&task)).await.problem(404);
}

#[tokio::test]
async fn a_task_that_has_reminded_can_remind_again_and_be_deleted() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({ "title": "First", "remind_at": ahead(&app, SOON) })).await;
    app.advance(SOON);
    app.drain().await;

    let again = json!({ "title": "Second", "remind_at": ahead(&app, SOON) });
    ada.patch(&path(&task), again).await.json(200);
    app.advance(SOON);
    app.drain().await;

    assert_eq!(subjects(&app), ["Reminder: First", "Reminder: Second"]);
    assert_eq!(ada.delete(&path(&task)).await.status, 204);
    assert_eq!(states(&ada).await.iter().filter(|(state, _)| state == "succeeded").count(), 2);
}

/// Its time has come, and no worker has looked yet.
#[tokio::test]
async fn a_change_does_not_take_away_a_reminder_that_is_due() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({ "title": "Nap", "remind_at": ahead(&app, SOON) })).await;
    app.advance(2 * SOON);

    ada.patch(&path(&task), json!({ "status": "in_progress" })).await.json(200);
    app.drain().await;

    assert_eq!(subjects(&app), ["Reminder: Nap"]);
}

#[tokio::test]
async fn other_changes_leave_a_reminder_alone() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({ "remind_at": ahead(&app, SOON) })).await;
    let before = states(&ada).await;

    let fields = json!({ "title": "Long nap", "tags": ["sofa"], "due_at": "2030-01-01T09:00:00Z" });
    ada.patch(&path(&task), fields).await.json(200);

    assert_eq!(states(&ada).await, before);
    app.advance(SOON);
    app.drain().await;
    assert_eq!(
        app.mails()[0].text,
        "You asked to be reminded of this task:\n\nLong nap\n\nIt is due at 09:00 UTC on 1 January 2030.\n"
    );
}

#[tokio::test]
async fn a_time_that_cannot_be_kept_is_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({})).await;
    let now = app.clock.now();
    let furthest = now.checked_add_months(Months::new(60)).unwrap();

    for remind_at in [
        at(now),
        at(now - TimeDelta::days(1)),
        at(furthest + TimeDelta::minutes(1)),
        "9999-12-31T23:59:59Z".to_owned(),
        "+262142-01-01T00:00:00Z".to_owned(),
    ] {
        let fields = json!({ "title": "Nap", "remind_at": remind_at });

        assert_eq!(ada.post("/v1/tasks", fields.clone()).await.refused(), ["remind_at: out_of_range"], "{fields}");
        assert_eq!(ada.patch(&path(&task), fields).await.refused(), ["remind_at: out_of_range"]);
    }
    assert_eq!(
        ada.post("/v1/tasks", json!({ "title": "Nap", "remind_at": 5 })).await.refused(),
        ["remind_at: wrong_type"]
    );
    let near = ada.task(json!({ "remind_at": at(furthest - TimeDelta::minutes(1)) })).await;
    assert_eq!(ada.delete(&path(&near)).await.status, 204);
}

#[tokio::test]
async fn the_reminders_of_others_are_out_of_reach() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let grace = app.actor().await;
    let task = ada.task(json!({ "remind_at": ahead(&app, SOON) })).await;
    let before = states(&ada).await;

    grace.patch(&path(&task), json!({ "remind_at": null })).await.problem(404);
    grace.patch(&path(&task), json!({ "status": "done" })).await.problem(404);
    grace.patch(&path(&task), json!({ "remind_at": ahead(&app, 2 * SOON) })).await.problem(404);
    grace.delete(&path(&task)).await.problem(404);

    assert_eq!(states(&ada).await, before);
    ada.delete(&path(&task)).await;
}

#[tokio::test]
async fn an_export_tells_when_a_task_reminds() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let remind_at = ahead(&app, SOON);
    let task = ada.task(json!({ "remind_at": remind_at })).await;

    for format in ["csv", "json"] {
        let job = ada.post("/v1/exports", json!({ "format": format })).await.json(202);
        app.drain().await;
        let file = ada.get(&format!("/v1/exports/{}/content", job["id"].as_str().unwrap())).await.text(200);

        assert!(file.contains(&remind_at), "{file}");
    }
    ada.delete(&path(&task)).await;
}
