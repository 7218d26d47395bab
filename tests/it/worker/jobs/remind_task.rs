//! Reminding of a task: one mail, and none when there is nothing to remind of.

use crate::support::{Actor, TestApp};
use serde_json::{Value, json};
use shared::ids::{JobId, OwnerId, TaskId};
use shared::jobs::{NewJob, State};
use shared::reminders::RemindTask;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// Makes a task whose time has come, and returns it with the job that reminds.
async fn due(app: &TestApp, ada: &Actor<'_>, title: &str) -> (TaskId, JobId) {
    let remind_at = app.clock.now() + HOUR;
    let task = ada.task(json!({ "title": title, "remind_at": remind_at })).await;
    let task = TaskId(task["id"].as_str().unwrap().parse().unwrap());
    let select = sqlx::query_scalar("select reminder_job_id from tasks where id = $1").bind(task);
    let job = select.fetch_one(&mut app.db().await).await.unwrap();
    app.advance(2 * HOUR);
    (task, job)
}

async fn run(app: &TestApp, statement: &'static str) {
    sqlx::query(statement).execute(&mut app.db().await).await.unwrap();
}

async fn mail_jobs(app: &TestApp) -> i64 {
    let count = sqlx::query_scalar("select count(*) from jobs where kind = 'send_email'");
    count.fetch_one(&mut app.db().await).await.unwrap()
}

#[tokio::test]
async fn what_there_is_nothing_to_remind_of_is_said() {
    for (change, because) in [
        ("delete from tasks", "the task is gone"),
        ("update tasks set status = 'done', completed_at = now()", "the task is done"),
        ("update tasks set reminder_job_id = null", "the reminder was moved or taken away"),
        ("update tasks set reminder_job_id = gen_random_uuid()", "the reminder was moved or taken away"),
    ] {
        let app = TestApp::new().await;
        let ada = app.actor().await;
        let (_, job) = due(&app, &ada, "Nap").await;
        run(&app, change).await;

        app.drain().await;

        let job = app.job(job).await;
        assert_eq!((job.state, job.attempt), (State::Succeeded, 1), "{:?}", job.errors);
        assert_eq!(job.result, Some(json!({ "reminded": false, "because": because })));
        assert_eq!((mail_jobs(&app).await, app.mails()), (0, vec![]));
    }
}

/// As after a commit whose answer was lost: the job is taken up again, and finds that it was done.
#[tokio::test]
async fn a_second_run_writes_no_second_mail() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let (_, job) = due(&app, &ada, "Nap").await;
    app.drain().await;
    let again = sqlx::query(
        "update jobs set state = 'available', finished_at = null, result = null, wake_at = run_at, turn = run_at
         where id = $1",
    );
    again.bind(job).execute(&mut app.db().await).await.unwrap();

    app.drain().await;

    assert_eq!(app.job(job).await.result.unwrap()["reminded"], Value::Bool(false));
    assert_eq!((mail_jobs(&app).await, app.mails().len()), (1, 1));
}

#[tokio::test]
async fn a_title_of_several_lines_is_one_subject_and_a_whole_text() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    due(&app, &ada, "Nap\r\nBcc: grace@example.com\u{2028}\tsoon").await;

    app.drain().await;

    let mails = app.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Reminder: Nap Bcc: grace@example.com soon");
    assert!(mails[0].text.contains("Nap\nBcc: grace@example.com"), "{}", mails[0].text);
}

#[tokio::test]
async fn the_task_of_another_owner_is_none() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.actor().await, app.actor().await);
    let (task, job) = due(&app, &ada, "Nap").await;
    let stolen = NewJob::new(&RemindTask { task }).unwrap().owned_by(grace.id);
    let stolen = app.enqueue_new(stolen).await.row.id;
    let nobodys = app.enqueue(&RemindTask { task }).await;

    app.drain().await;

    assert_eq!(app.job(stolen).await.result.unwrap()["because"], "the task is gone");
    assert_eq!(app.job(nobodys).await.state, State::Failed);
    assert_eq!(app.job(job).await.result.unwrap()["reminded"], true);
    let recipients: Vec<String> = app.mails().into_iter().map(|letter| letter.to).collect();
    assert_eq!(recipients, [address(ada.id)]);
}

fn address(owner: OwnerId) -> String {
    format!("{owner}@example.com")
}
