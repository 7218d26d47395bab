//! `api`: requests of API Gateway in, answers out.

use super::{Stack, sample};
use crate::support::moto::moto;
use crate::support::postgres;
use crate::support::runtime_api::Sandbox;
use ::api::{SigningKeys, SigningSource};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::migrations::MIGRATOR;
use shared::secrets::Secrets;
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;

/// Hands over a sample and returns its status and its JSON body, with what holds for every answer checked.
async fn answer(api: &mut Sandbox, event: &Value) -> (i64, Value) {
    let answer = api.invoke(event).await.answer();
    let headers = &answer["headers"];
    assert_eq!(answer["isBase64Encoded"], false, "{answer}");
    assert_eq!(headers["x-request-id"], event["requestContext"]["requestId"], "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let is_problem = headers["content-type"] == "application/problem+json";
    assert_eq!(is_problem, answer["statusCode"].as_i64().unwrap() >= 400, "{answer}");
    (answer["statusCode"].as_i64().unwrap(), body)
}

/// A sample with a real token in it.
fn authorised(name: &str, token: &str) -> Value {
    let mut event = sample(name);
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    event
}

#[tokio::test]
async fn every_sample_is_answered_by_one_warm_process() {
    let stack = Stack::new().await;
    let (_, token) = stack.account().await;
    let mut api = stack.start("api").await;

    let (status, live) = answer(&mut api, &sample("api-get-live.json")).await;
    assert_eq!((status, live), (200, json!({ "status": "healthy" })));

    let (status, account) = answer(&mut api, &sample("api-register.json")).await;
    assert_eq!((status, &account["email"]), (201, &json!("ada@example.com")));

    let (status, account) = answer(&mut api, &sample("api-register-base64.json")).await;
    assert_eq!((status, &account["email"]), (201, &json!("grace@example.com")));

    let (status, problem) = answer(&mut api, &sample("api-register.json")).await;
    assert_eq!((status, &problem["errors"][0]["code"]), (409, &json!("taken")));

    let (status, tasks) = answer(&mut api, &authorised("api-get-tasks.json", &token)).await;
    assert_eq!((status, tasks), (200, json!({ "items": [], "next_cursor": null })));

    let (status, problem) = answer(&mut api, &sample("api-get-tasks.json")).await;
    assert_eq!((status, &problem["type"]), (401, &json!("urn:errand:problem:unauthorized")));

    let (status, job) = answer(&mut api, &authorised("api-export.json", &token)).await;
    assert_eq!((status, &job["kind"], &job["state"]), (202, &json!("export_tasks"), &json!("available")));

    let first = api.pid();
    let (status, _) = answer(&mut api, &sample("api-get-live.json")).await;
    assert_eq!((status, api.pid()), (200, first));
}

#[tokio::test]
async fn headers_come_through() {
    let stack = Stack::new().await;
    let (_, token) = stack.account().await;
    let mut api = stack.start("api").await;

    let answer = api.invoke(&authorised("api-export.json", &token)).await.answer();

    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(answer["headers"]["location"], format!("/v1/jobs/{}", body["id"].as_str().unwrap()));
    assert_eq!(answer["headers"]["content-type"], "application/json");
}

#[tokio::test]
async fn a_finished_export_is_downloaded_through_the_function() {
    let stack = Stack::new().await;
    let (owner, token) = stack.account().await;
    let job = stack.enqueue_export(owner).await;
    let mut worker = stack.start("worker").await;
    worker
        .invoke(&json!({ "Records": [{ "messageId": "1", "body": json!({ "job": job }).to_string() }] }))
        .await
        .answer();
    let mut api = stack.start("api").await;
    let mut event = authorised("api-get-tasks.json", &token);
    event["rawPath"] = format!("/v1/exports/{job}/content").into();
    event["rawQueryString"] = "".into();

    let answer = api.invoke(&event).await.answer();

    assert_eq!(
        (&answer["statusCode"], &answer["headers"]["content-type"]),
        (&json!(200), &json!("text/csv; charset=utf-8"))
    );
    assert!(answer["body"].as_str().unwrap().starts_with("id,title,"), "{answer}");
}

#[tokio::test]
async fn each_request_has_one_access_line_with_its_id() {
    let stack = Stack::new().await;
    let mut api = stack.start("api").await;

    api.invoke(&sample("api-get-tasks.json")).await.answer();
    api.idle().await;

    let lines: Vec<Value> = api.output().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let access: Vec<&Value> = lines.iter().filter(|line| line["log_type"] == "access").collect();
    assert_eq!(access.len(), 1, "{lines:?}");
    assert_eq!((&access[0]["http.route"], &access[0]["http.status"]), (&json!("/v1/tasks"), &json!(401)));
    assert_eq!(access[0]["request.id"], "UfK2bhGKFiAEMzQ=");
    assert!(!api.output().concat().contains("ACCESS_TOKEN"), "a token is in the log");
}

#[tokio::test]
async fn tokens_are_signed_with_the_secret_of_secrets_manager() {
    let Some(moto) = moto().await else { return };
    let secret = "kept in Secrets Manager, and in no variable";
    let created = moto.secrets().create_secret().name("binaries-api-signing").secret_string(secret).send().await;
    let arn = created.unwrap().arn.unwrap();
    let stack = Stack::new().await.without("SECRET_KEY").with("SIGNING_SECRET_ARN", &arn).with_all(moto.environment());
    let mut api = stack.start("api").await;
    let (_, account) = answer(&mut api, &sample("api-register.json")).await;
    let mut login = sample("api-register.json");
    login["rawPath"] = "/v1/auth/login".into();

    let (status, token) = answer(&mut api, &login).await;

    assert_eq!(status, 200);
    let token = token["access_token"].as_str().unwrap();
    let keys = SigningKeys::new(SigningSource::Key(secret.into()), Secrets::new(Arc::default()));
    let owner = keys.verify(token, Clock::default().now()).await.unwrap();
    assert_eq!(account["id"], owner.to_string());
    let (status, _) = answer(&mut api, &authorised("api-get-tasks.json", token)).await;
    assert_eq!(status, 200);
    assert!(!api.output().concat().contains(secret));
}

#[tokio::test]
async fn tokens_of_the_previous_secret_are_honoured_by_a_new_process() {
    let Some(moto) = moto().await else { return };
    let created =
        moto.secrets().create_secret().name("binaries-api-rotated").secret_string("x".repeat(40)).send().await;
    let arn = created.unwrap().arn.unwrap();
    let stack = Stack::new().await.without("SECRET_KEY").with("SIGNING_SECRET_ARN", &arn).with_all(moto.environment());
    let (owner, _) = stack.account().await;
    let now = Clock::default().now();
    let issue = async |secret: &str| {
        let keys = SigningKeys::new(SigningSource::Key(secret.into()), Secrets::new(Arc::default()));
        keys.issue(owner, now).await.unwrap()
    };
    let (older, newer) = (issue(&"x".repeat(40)).await, issue(&"y".repeat(40)).await);
    moto.secrets().put_secret_value().secret_id(&arn).secret_string("y".repeat(40)).send().await.unwrap();

    let mut api = stack.start("api").await;
    for token in [&older, &newer] {
        let (status, _) = answer(&mut api, &authorised("api-get-tasks.json", token)).await;
        assert_eq!(status, 200);
    }
    let (status, _) = answer(&mut api, &authorised("api-get-tasks.json", &issue(&"z".repeat(40)).await)).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn without_its_secret_it_answers_503() {
    let Some(moto) = moto().await else { return };
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:there-is-none";
    let stack = Stack::new().await;
    let (_, token) = stack.account().await;
    let stack = stack.without("SECRET_KEY").with("SIGNING_SECRET_ARN", arn).with_all(moto.environment());
    let mut api = stack.start("api").await;

    let (status, _) = answer(&mut api, &authorised("api-get-tasks.json", &token)).await;
    let (live, _) = answer(&mut api, &sample("api-get-live.json")).await;

    assert_eq!((status, live), (503, 200));
}

#[tokio::test]
async fn a_database_without_a_free_connection_is_a_dependency_that_is_down() {
    let server = postgres::start(5).await;
    let mut db = postgres::connect(&server.url("postgres")).await;
    postgres::run(&mut db, "create database errand").await;
    MIGRATOR.run(&mut postgres::connect(&server.url("errand")).await).await.unwrap();
    let stack = Stack::on(server.url("errand"));
    let (_, token) = stack.account().await;
    let list = authorised("api-get-tasks.json", &token);
    let mut api = stack.start("api").await;

    let connections = all_connections(&stack.url).await;
    let refused = api.invoke(&list).await.answer();

    assert_eq!((&refused["statusCode"], &refused["headers"]["retry-after"]), (&json!(503), &json!("5")), "{refused}");
    for connection in connections {
        connection.close().await.unwrap();
    }
    let (status, _) = answer(&mut api, &list).await;
    assert_eq!(status, 200);
}

/// Opens connections until the server has no place left.
async fn all_connections(url: &str) -> Vec<PgConnection> {
    let mut taken = Vec::new();
    loop {
        match PgConnection::connect(url).await {
            Ok(connection) => taken.push(connection),
            Err(error) => {
                let code = error.as_database_error().unwrap().code().unwrap();
                assert_eq!(code, "53300", "{error}");
                return taken;
            }
        }
    }
}
