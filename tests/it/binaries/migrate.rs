//! `migrate`: a request of CloudFormation in, an answer at its URL out.

use super::{Stack, sample};
use crate::support::postgres;
use axum::Router;
use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Value, json};
use sqlx::Connection as _;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Where CloudFormation waits for answers.
struct ResponseUrl {
    url: String,
    answers: mpsc::UnboundedReceiver<Value>,
    _tasks: JoinSet<()>,
}

impl ResponseUrl {
    async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/stack?X-Amz-Signature=secret", listener.local_addr().unwrap());
        let (send, answers) = mpsc::unbounded_channel();
        let app = Router::new().fallback(async move |method: Method, body: Bytes| {
            assert_eq!(method, Method::PUT);
            send.send(serde_json::from_slice(&body).unwrap()).unwrap();
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { url, answers, _tasks: tasks }
    }

    /// A sample that wants to be answered here.
    fn event(&self, name: &str) -> Value {
        let mut event = sample(name);
        event["ResponseURL"] = self.url.clone().into();
        event
    }

    /// The one answer that has come.
    fn answer(&mut self) -> Value {
        let answer = self.answers.try_recv().unwrap();
        assert!(self.answers.try_recv().is_err(), "CloudFormation was answered twice");
        answer
    }
}

/// A stack whose database is empty.
async fn new_stack(name: &str) -> Stack {
    let server = postgres::server();
    let mut db = postgres::connect(&server.url("postgres")).await;
    postgres::run(&mut db, &format!("create database {name}")).await;
    db.close().await.unwrap();
    let mut stack = Stack::new().await.with("DATABASE_URL", &server.url(name));
    stack.url = server.url(name);
    stack
}

#[tokio::test]
async fn a_new_stack_gets_its_schema_and_an_update_finds_it_there() {
    let stack = new_stack("binaries_migrate").await;
    let mut cloudformation = ResponseUrl::listen().await;
    let mut migrate = stack.start("migrate").await.deadline(Duration::from_secs(90));

    let created = migrate.invoke(&cloudformation.event("migrate-create.json")).await.answer();

    assert!(created["applied"].as_u64().unwrap() >= 4, "{created}");
    let answer = cloudformation.answer();
    let request = sample("migrate-create.json");
    assert_eq!(answer["Status"], "SUCCESS");
    assert_eq!(answer["Data"], created);
    for field in ["StackId", "RequestId", "LogicalResourceId"] {
        assert_eq!(answer[field], request[field]);
    }
    let updated = migrate.invoke(&cloudformation.event("migrate-update.json")).await.answer();
    assert_eq!(updated, json!({ "applied": 0, "version": created["version"] }));
    let answer = cloudformation.answer();
    assert_eq!((&answer["Status"], &answer["PhysicalResourceId"]), (&json!("SUCCESS"), &json!("errand-migration")));
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut stack.db().await).await.unwrap();
    assert_eq!(users, 0);
}

#[tokio::test]
async fn a_deploy_without_a_database_fails_in_time_and_a_delete_needs_none() {
    let stack = Stack::new().await.with("DATABASE_URL", "postgres://errand:pass-word@127.0.0.1:9/errand");
    let mut cloudformation = ResponseUrl::listen().await;
    // Forty seconds are kept for the answer.
    let mut migrate = stack.start("migrate").await.deadline(Duration::from_secs(42));

    let created = migrate.invoke(&cloudformation.event("migrate-create.json")).await.answer();
    let answer = cloudformation.answer();
    let deleted = migrate.invoke(&cloudformation.event("migrate-delete.json")).await.answer();

    assert_eq!(answer["Status"], "FAILED");
    assert_eq!(answer["Reason"], created["error"]);
    assert!(answer["Reason"].as_str().unwrap().contains("took longer than"), "{answer}");
    assert_eq!(deleted, json!({}));
    assert_eq!(cloudformation.answer()["Status"], "SUCCESS");
    let said = migrate.output().concat();
    assert!(!said.contains("pass-word") && !said.contains("X-Amz-Signature"), "{said}");
}

#[tokio::test]
async fn a_person_gets_the_answer_directly() {
    let stack = Stack::new().await;
    let mut migrate = stack.start("migrate").await;

    let applied = migrate.invoke(&json!({})).await.answer();

    assert_eq!(applied["applied"], 0);
}
