//! The way to the database on AWS: credentials from Secrets Manager, and TLS that is checked to the host's name.

#[cfg(target_os = "linux")]
mod socket;

use super::stack::SECRET;
use super::{Stack, sample};
use crate::hosts::run;
use crate::support::moto::{Moto, moto};
use crate::support::postgres;
use crate::support::runtime_api::Sandbox;
use crate::support::tls::{self, Authority};
use local_postgres::Server;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use std::str::FromStr as _;

/// Where the test's servers listen.
pub const HOST: &str = "127.0.0.1";

/// A stack whose functions find secrets and database as the template has them find it, and trust one authority.
pub async fn deployed(moto: &Moto, url: &str, trusted: &Authority) -> Stack {
    let options = PgConnectOptions::from_str(url).unwrap();
    let credentials = json!({ "username": options.get_username(), "password": "a password" }).to_string();
    let secret = async |name: String, value: &str| {
        let created = moto.secrets().create_secret().name(name).secret_string(value).send().await;
        created.unwrap().arn.unwrap()
    };
    let name = format!("{}-{}", options.get_port(), options.get_database().unwrap());
    Stack::on(url.to_owned())
        .without("DATABASE_URL")
        .without("SECRET_KEY")
        .with_all(moto.environment())
        .with("DATABASE_HOST", HOST)
        .with("DATABASE_NAME", options.get_database().unwrap())
        .with("DATABASE_PORT", &options.get_port().to_string())
        .with("DATABASE_SECRET_ARN", &secret(format!("database-{name}"), &credentials).await)
        .with("SIGNING_SECRET_ARN", &secret(format!("signing-{name}"), SECRET).await)
        .with("SSL_CERT_FILE", trusted.file().to_str().unwrap())
}

/// A stack whose database is as its functions trust it; the rest is to be kept. `None` where there is no moto.
async fn trusting() -> Option<(Stack, Server, Authority)> {
    let moto = moto().await?;
    let authority = Authority::new();
    let server = tls::server(&authority, HOST).await;
    let stack = deployed(moto, &server.url("errand"), &authority).await;
    Some((stack, server, authority))
}

#[tokio::test]
async fn a_database_with_a_certificate_of_a_trusted_authority_is_used_encrypted() {
    let Some((stack, _server, _authority)) = trusting().await else { return };

    let (status, api) = read_tasks(&stack).await;

    assert_eq!(status, 200, "{:#?}", api.output());
    let is_encrypted: Option<bool> = sqlx::query_scalar(
        "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'errand'",
    )
    .fetch_one(&mut stack.db().await)
    .await
    .unwrap();
    assert_eq!(is_encrypted, Some(true));
}

#[tokio::test]
async fn a_database_whose_authority_only_has_the_name_of_a_trusted_one_is_not_talked_to() {
    let Some(moto) = moto().await else { return };
    let server = tls::server(&Authority::new(), HOST).await;
    let somebody_else = Authority::new();
    let stack = deployed(moto, &server.url("errand"), &somebody_else).await;

    let (status, api) = read_tasks(&stack).await;

    assert_eq!(status, 503);
    assert!(says(&api, "BadSignature"), "{:#?}", api.output());
}

#[tokio::test]
async fn a_database_with_a_certificate_for_another_host_is_not_talked_to() {
    let Some(moto) = moto().await else { return };
    let authority = Authority::new();
    let server = tls::server(&authority, "database.example.com").await;
    let stack = deployed(moto, &server.url("errand"), &authority).await;

    let (status, api) = read_tasks(&stack).await;

    assert_eq!(status, 503);
    assert!(says(&api, "not valid for name"), "{:#?}", api.output());
}

#[tokio::test]
async fn a_database_without_tls_is_not_talked_to() {
    let Some(moto) = moto().await else { return };
    let authority = Authority::new();
    let stack = deployed(moto, &postgres::database().await, &authority).await;

    let (status, api) = read_tasks(&stack).await;

    assert_eq!(status, 503, "{:#?}", api.output());
    assert!(says(&api, "does not support TLS"), "{:#?}", api.output());
}

#[tokio::test]
async fn an_operator_reaches_the_database_in_the_same_way() {
    let Some((stack, _server, _authority)) = trusting().await else { return };
    let stack = stack.with("QUEUE_URL", "http://127.0.0.1:9/123456789012/jobs");
    let (owner, _) = stack.account().await;
    let job = stack.enqueue_export(owner).await.to_string();

    let listed = run(&["jobs", "list"], &stack.variables()).await;

    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains(&job), "{}", listed.stdout);
}

/// Asks a fresh function for a list of tasks; returns the answer's status.
async fn read_tasks(stack: &Stack) -> (Value, Sandbox) {
    let (_, token) = stack.account().await;
    let mut list = sample("api-get-tasks.json");
    list["headers"]["authorization"] = format!("Bearer {token}").into();
    let mut api = stack.start("api").await;
    let answer = api.invoke(&list).await.answer();
    api.idle().await;
    (answer["statusCode"].clone(), api)
}

fn says(function: &Sandbox, words: &str) -> bool {
    function.output().iter().any(|line| line.contains(words))
}
