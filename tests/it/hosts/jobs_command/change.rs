//! Changing: `retry`, `cancel`.

use super::{app, failed_job, jobs, jobs_with};
use crate::support::moto::moto;
use crate::support::probe::Probe;
use aws_sdk_sqs::types::MessageSystemAttributeName;
use serde_json::json;
use shared::ids::JobId;
use shared::jobs::{CHANNEL, NewJob, State, Unique};
use sqlx::postgres::PgListener;
use std::collections::BTreeSet;

#[tokio::test]
async fn failed_jobs_are_taken_up_again_and_workers_are_told() {
    let app = app().await;
    let (first, second) = (failed_job(&app).await, failed_job(&app).await);
    let mut listener = PgListener::connect(&app.url).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();

    let retried = jobs(&app, &["retry", &first.to_string(), &second.to_string()]).await;

    let said = format!("{first} waits for its next attempt\n{second} waits for its next attempt\n");
    assert_eq!(retried.done(), said);
    assert_eq!(listener.recv().await.unwrap().payload(), format!("{first}@0,{second}@0"));
    assert_eq!((app.job(first).await.state, app.job(second).await.state), (State::Available, State::Available));
}

#[tokio::test]
async fn with_a_queue_workers_are_told_through_it() {
    let Some(moto) = moto().await else { return };
    let queue = moto.queue("jobs-command-retry").await;
    let app = app().await;
    let id = failed_job(&app).await;
    let variables = moto.environment();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    jobs_with(&app, &["retry", &id.to_string(), "--queue", &queue], &variables).await.done();

    let request = moto.sqs().receive_message().queue_url(&queue).max_number_of_messages(10);
    let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
    let messages = request.send().await.unwrap().messages.unwrap_or_default();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].body().unwrap(), json!({ "job": id }).to_string());
    assert_eq!(messages[0].attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId], "probe");
}

#[tokio::test]
async fn what_cannot_be_retried_is_said_and_the_rest_is_done() {
    let app = app().await;
    let failed = failed_job(&app).await;
    let done = app.enqueue(&Probe::Nothing).await;
    app.batch(&[done]).await;
    let waiting = app.enqueue(&Probe::Nothing).await;
    let keyed = |probe: &Probe| NewJob::new(probe).unwrap().unique(Unique::exclusive("the key"));
    let before = app.enqueue_new(keyed(&Probe::Discard("hopeless".to_owned()))).await.row.id;
    app.batch(&[before]).await;
    let holder = app.enqueue_new(keyed(&Probe::Nothing)).await.row.id;
    let missing = JobId::new();

    let ids = [done, waiting, before, missing, failed].map(|id| id.to_string());
    let mut arguments = vec!["retry"];
    arguments.extend(ids.iter().map(String::as_str));
    let retried = jobs(&app, &arguments).await;

    let said = format!(
        "{done} has succeeded and stays so\n\
         {waiting} is available, and has not ended yet\n\
         {before} stays as it is: job {holder} has its key, and has not ended yet\n\
         {missing} is not there\n\
         {failed} waits for its next attempt\n"
    );
    assert_eq!(retried.stdout, said);
    assert_eq!((retried.code, retried.stderr.as_str()), (1, "errand: 4 of 5 jobs could not be retried\n"));
    assert_eq!(app.job(failed).await.state, State::Available);
}

#[tokio::test]
async fn all_failed_jobs_of_a_kind_are_taken_up_again_up_to_a_limit() {
    let app = app().await;
    let mut failed = Vec::new();
    for _ in 0..4 {
        failed.push(failed_job(&app).await);
    }
    let done = app.enqueue(&Probe::Nothing).await;
    app.batch(&[done]).await;
    let available = async || {
        let mut available = BTreeSet::new();
        for id in &failed {
            if app.job(*id).await.state == State::Available {
                available.insert(*id);
            }
        }
        available
    };

    jobs(&app, &["retry", "--kind", "other", "--all-failed"]).await.done();
    assert_eq!(available().await, BTreeSet::new());
    jobs(&app, &["retry", "--kind", "probe", "--all-failed", "--limit", "3"]).await.done();
    assert_eq!(available().await, failed[1..].iter().copied().collect());
    jobs(&app, &["retry", "--kind", "probe", "--all-failed"]).await.done();
    assert_eq!(available().await, failed.iter().copied().collect());
    assert_eq!(app.job(done).await.state, State::Succeeded);
}

/// It stays failed, so whoever asks for failed jobs again must not meet it again.
#[tokio::test]
async fn a_failed_job_that_cannot_be_taken_up_again_is_looked_at_once() {
    let app = app().await;
    let keyed = |probe: &Probe| NewJob::new(probe).unwrap().unique(Unique::exclusive("the key"));
    let before = app.enqueue_new(keyed(&Probe::Discard("hopeless".to_owned()))).await.row.id;
    app.batch(&[before]).await;
    let holder = app.enqueue_new(keyed(&Probe::Nothing)).await.row.id;
    let failed = failed_job(&app).await;

    let retried = jobs(&app, &["retry", "--kind", "probe", "--all-failed"]).await;

    let said = format!(
        "{failed} waits for its next attempt\n\
         {before} stays as it is: job {holder} has its key, and has not ended yet\n"
    );
    assert_eq!(retried.stdout, said);
    assert_eq!((retried.code, retried.stderr.as_str()), (1, "errand: 1 of 2 jobs could not be retried\n"));
}

#[tokio::test]
async fn jobs_are_called_off() {
    let app = app().await;
    let waiting = app.enqueue(&Probe::Nothing).await;
    let running = app.enqueue(&Probe::Nothing).await;
    app.worker.runner.claim(&[running]).await.unwrap();

    let (first, second) = (waiting.to_string(), running.to_string());
    let cancelled = jobs(&app, &["cancel", &first, &second]).await;
    let again = jobs(&app, &["cancel", &first]).await;

    assert_eq!(cancelled.done(), format!("{waiting} is cancelled\n{running} runs, and is asked to stop\n"));
    assert_eq!(again.done(), format!("{waiting} was cancelled before\n"));
    assert_eq!((app.job(waiting).await.state, app.job(running).await.state), (State::Cancelled, State::Running));
}

#[tokio::test]
async fn what_cannot_be_cancelled_is_said_and_the_rest_is_done() {
    let app = app().await;
    let failed = failed_job(&app).await;
    let missing = JobId::new();
    let waiting = app.enqueue(&Probe::Nothing).await;

    let ids = [failed, missing, waiting].map(|id| id.to_string());
    let cancelled = jobs(&app, &["cancel", &ids[0], &ids[1], &ids[2]]).await;

    let said = format!("{failed} has failed already\n{missing} is not there\n{waiting} is cancelled\n");
    assert_eq!(cancelled.stdout, said);
    assert_eq!((cancelled.code, cancelled.stderr.as_str()), (1, "errand: 2 of 3 jobs could not be cancelled\n"));
}
