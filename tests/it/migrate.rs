//! Migrations, as the deploy runs them: the custom resource and its answers to CloudFormation.

mod cloudformation;
mod contract;
mod restore;
mod roles;
mod rotation;
mod schema;

use crate::api::events::sample;
use crate::support::postgres;
use ::migrate::{RotatedSecrets, State, handle};
use cloudformation::CloudFormation;
use serde_json::{Value, json};
use shared::migrations::MIGRATOR;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What Lambda leaves of the function's time when it hands over the event.
const TIME_LEFT: Duration = Duration::from_secs(299);

/// Where nobody listens.
const DOWN: &str = "postgres://nobody@127.0.0.1:1/none";

#[tokio::test]
async fn a_created_stack_gets_the_schema_and_an_answer() {
    let stack = CloudFormation::start(&[200]).await;
    let event = stack.event(sample("migrate-create.json"));
    let state = without_secrets(&empty_database().await);

    let returned = handle(&state, event.clone(), TIME_LEFT).await.unwrap();

    let done = json!({ "applied": migrations(), "version": latest() });
    assert_eq!(returned, done);
    assert_eq!(
        stack.answers(),
        [json!({
            "Status": "SUCCESS",
            "Reason": "",
            "PhysicalResourceId": "errand-migration",
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": "Migration",
            "Data": done,
        })]
    );
}

#[tokio::test]
async fn an_update_keeps_the_resource_and_applies_what_is_missing() {
    let stack = CloudFormation::start(&[200]).await;
    let mut event = stack.event(sample("migrate-update.json"));
    event["PhysicalResourceId"] = json!("named by an older release");
    let state = without_secrets(&postgres::database().await);

    handle(&state, event, TIME_LEFT).await.unwrap();

    let answer = &stack.answers()[0];
    assert_eq!((&answer["Status"], &answer["Data"]["applied"]), (&json!("SUCCESS"), &json!(0)));
    assert_eq!(answer["PhysicalResourceId"], "named by an older release");
}

#[tokio::test]
async fn a_deleted_stack_is_answered_without_a_look_at_the_database() {
    let stack = CloudFormation::start(&[200]).await;
    let event = stack.event(sample("migrate-delete.json"));

    let returned = handle(&without_secrets(DOWN), event, TIME_LEFT).await.unwrap();

    assert_eq!(returned, json!({}));
    let answer = &stack.answers()[0];
    assert_eq!((&answer["Status"], &answer["PhysicalResourceId"]), (&json!("SUCCESS"), &json!("errand-migration")));
}

#[tokio::test]
async fn a_deploy_whose_database_does_not_answer_in_time_fails_with_a_reason() {
    let stack = CloudFormation::start(&[200]).await;
    let event = stack.event(sample("migrate-create.json"));
    // Forty seconds are kept back for the answer.
    let time_left = Duration::from_millis(40_050);

    let returned = handle(&without_secrets(DOWN), event, time_left).await.unwrap();

    let answer = &stack.answers()[0];
    assert_eq!(answer["Status"], "FAILED");
    assert!(answer["Reason"].as_str().unwrap().contains("the migrations took longer than"), "{answer}");
    assert_eq!(returned["error"], answer["Reason"]);
}

#[tokio::test]
async fn a_deploy_whose_database_refuses_fails_with_a_reason() {
    let stack = CloudFormation::start(&[200]).await;
    let event = stack.event(sample("migrate-create.json"));
    let state = without_secrets(&postgres::server().url("no_such_database"));

    handle(&state, event, TIME_LEFT).await.unwrap();

    let answer = &stack.answers()[0];
    assert_eq!(answer["Status"], "FAILED");
    let reason = answer["Reason"].as_str().unwrap();
    assert!(reason.contains("the database cannot be reached") && reason.contains("no_such_database"), "{reason}");
}

#[tokio::test]
async fn an_answer_is_sent_again_when_it_was_not_taken() {
    let stack = CloudFormation::start(&[503, 200]).await;
    let event = stack.event(sample("migrate-delete.json"));

    handle(&without_secrets(DOWN), event, TIME_LEFT).await.unwrap();

    let answers = stack.answers();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0], answers[1]);
}

/// Lambda would then invoke the function again: migrating twice is harmless.
#[tokio::test]
async fn an_answer_that_nobody_takes_is_an_error_that_keeps_the_signed_url_to_itself() {
    let stack = CloudFormation::start(&[403, 403, 403]).await;
    let event = stack.event(sample("migrate-create.json"));
    let state = without_secrets(&postgres::database().await);

    let error = handle(&state, event, TIME_LEFT).await.unwrap_err();

    assert_eq!(stack.answers().len(), 3);
    let text = format!("{error:?}");
    assert!(text.contains("CloudFormation could not be answered") && text.contains("403"), "{text}");
    assert!(!text.contains("X-Amz-Signature"), "{text}");
}

#[tokio::test]
async fn a_request_that_is_not_whole_is_an_error() {
    let stack = CloudFormation::start(&[]).await;
    let mut event = stack.event(sample("migrate-create.json"));
    event.as_object_mut().unwrap().remove("RequestType");
    let url = empty_database().await;

    let error = handle(&without_secrets(&url), event, TIME_LEFT).await.unwrap_err();

    assert!(format!("{error:#}").contains("RequestType"), "{error:#}");
    assert_eq!(stack.answers(), [Value::Null; 0]);
}

#[tokio::test]
async fn a_person_who_invokes_it_gets_the_result_alone() {
    let state = without_secrets(&empty_database().await);

    let first = handle(&state, json!({}), TIME_LEFT).await.unwrap();
    let second = handle(&state, json!({}), TIME_LEFT).await.unwrap();

    assert_eq!(first, json!({ "applied": migrations(), "version": latest() }));
    assert_eq!(second, json!({ "applied": 0, "version": latest() }));
}

/// The function where no secret rotates, so that it makes no roles.
fn without_secrets(url: &str) -> State {
    let db = postgres::handle(url, 1);
    State::new(db, Arc::default(), RotatedSecrets::default())
}

/// Makes a database without a schema and returns its URL.
async fn empty_database() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("empty_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let server = postgres::server();
    let mut connection = postgres::connect(&server.url("postgres")).await;
    postgres::run(&mut connection, &format!("create database {name}")).await;
    server.url(&name)
}

/// How many migrations this build has.
fn migrations() -> usize {
    MIGRATOR.iter().count()
}

/// The version of the latest one.
fn latest() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap()
}
