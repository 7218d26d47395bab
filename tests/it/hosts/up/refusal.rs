//! Refusing to start: one message, which says what is wrong and what to do.

use crate::hosts::{Errand, state_folder};
use crate::support::postgres;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

/// A refusal on an empty folder, which is named `[state]`.
async fn refusal(environment: &[(&str, &str)]) -> String {
    let folder = state_folder();
    refusal_of(folder.path(), environment).await
}

async fn refusal_of(state: &Path, environment: &[(&str, &str)]) -> String {
    let message = Errand::refusal(state, &["--port", "0"], environment).await;
    // The numbers of errors differ between systems.
    message
        .replace(state.canonicalize().unwrap().to_str().unwrap(), "[state]")
        .replace(" (os error 111)", "")
        .replace(" (os error 61)", "")
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let folder = state_folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let message = Errand::refusal(folder.path(), &["--port", &port], &[]).await;

    insta::assert_snapshot!(
        message.replace(&port, "[port]"),
        @"errand: port [port] of 127.0.0.1 is taken: stop the program that has it, or choose another port with --port or PORT"
    );
}

#[tokio::test]
async fn every_bad_variable_is_named_at_once() {
    let folder = state_folder();
    let state = folder.path().join("state");
    let bad = [
        ("API_DOCS", "maybe"),
        ("DATABASE_POOL_SIZE", "0"),
        ("ENVIRONMENT", "moon"),
        ("LOG_FORMAT", "verse"),
        ("LOG_LEVEL", "loud"),
        ("PORT", "eighty"),
        ("QUEUE_URL", "queue"),
        ("SECRET_KEY", "short"),
    ];

    let message = Errand::refusal(&state, &[], &bad).await;

    insta::assert_snapshot!(message, @r#"
    errand: the configuration is not usable:
      API_DOCS is "maybe", which is not one of on, off
      DATABASE_POOL_SIZE is 0, but at least one connection is needed
      ENVIRONMENT is "moon", which is not one of development, staging, production
      LOG_FORMAT is "verse", which is not one of json, text
      LOG_LEVEL is "loud", which is not one of error, warn, info, debug, trace
      PORT is "eighty", which is not a port number
      QUEUE_URL is not a URL of an SQS queue, like https://sqs.<region>.amazonaws.com/<account>/<name>
      SECRET_KEY is shorter than 32 bytes; `openssl rand -hex 32` makes a good one
    "#);
    assert!(!state.exists(), "nothing is made before the variables are checked");
}

#[tokio::test]
async fn a_missing_postgresql_is_said_at_once() {
    let started = Instant::now();

    let message = refusal(&[("PATH", ""), ("PG_BIN", "/nowhere/bin")]).await;

    insta::assert_snapshot!(message, @r"
    errand: PG_BIN is /nowhere/bin, which cannot be used: no `postgres` in it
    Set it to a folder that holds `postgres` and `initdb` of version 15 or newer, or unset it.
    ");
    assert!(started.elapsed() < Duration::from_secs(10), "nothing is looked for elsewhere");
}

#[tokio::test]
async fn data_of_another_postgresql_is_left_alone() {
    let folder = state_folder();
    let data = folder.path().join("postgres");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "9\n").unwrap();

    let message = refusal_of(folder.path(), &[]).await;

    assert!(message.starts_with("errand: the data in [state]/postgres was made by PostgreSQL 9, but "), "{message}");
    assert!(message.contains("start over with an empty database: --fresh"), "{message}");
    assert_eq!(fs::read_to_string(data.join("PG_VERSION")).unwrap(), "9\n");
}

#[tokio::test]
async fn a_folder_of_something_else_is_left_alone() {
    let folder = state_folder();
    fs::create_dir(folder.path().join("postgres")).unwrap();
    fs::write(folder.path().join("postgres/notes.txt"), "mine").unwrap();

    let message = refusal_of(folder.path(), &[]).await;

    insta::assert_snapshot!(
        message,
        @"errand: [state]/postgres is not empty and holds no PostgreSQL data: it is left alone, choose another folder"
    );
}

#[tokio::test]
async fn a_state_folder_that_cannot_be_made_is_named() {
    let folder = state_folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();

    let message = Errand::refusal(&file.join("state"), &["--port", "0"], &[]).await;

    insta::assert_snapshot!(
        message.replace(folder.path().to_str().unwrap(), "[folder]"),
        @"errand: the state folder [folder]/file/state cannot be made: Not a directory (os error 20)"
    );
}

#[tokio::test]
async fn a_state_folder_in_use_is_named_and_left_alone() {
    let folder = state_folder();
    let first = Errand::up(folder.path(), &[]).await;

    let message = Errand::refusal(folder.path(), &["--port", "0", "--fresh"], &[]).await;

    insta::assert_snapshot!(
        message.replace(folder.path().canonicalize().unwrap().to_str().unwrap(), "[state]"),
        @"errand: another errand uses the state folder [state]: stop it, or choose another folder with --state"
    );
    first.stop().await;
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_said_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let message = refusal(&[("DATABASE_URL", &format!("postgres://ada:pass-word@{closed}/errand"))]).await;

    insta::assert_snapshot!(message, @r"
    errand: the database cannot be used: error communicating with database: Connection refused
    Start it, or correct DATABASE_URL. Without DATABASE_URL, Errand runs a PostgreSQL of its own.
    ");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_and_the_password_is_not() {
    let server = postgres::server().url("no_such_database").replace("errand@", "errand:pass-word@");

    let message = refusal(&[("DATABASE_URL", &server)]).await;

    assert!(message.contains("database \"no_such_database\" does not exist"), "{message}");
    assert!(!message.contains("pass-word"), "{message}");
}

#[tokio::test]
async fn a_database_that_says_nothing_is_not_waited_for_long() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://ada@{}/errand", silent.local_addr().unwrap());
    let started = Instant::now();

    let message = refusal(&[("DATABASE_URL", &url)]).await;

    insta::assert_snapshot!(message, @r"
    errand: the database cannot be used: it does not answer within 10 s
    Start it, or correct DATABASE_URL. Without DATABASE_URL, Errand runs a PostgreSQL of its own.
    ");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_database_that_is_too_old_is_named() {
    let url = postgres::database().await;
    let mut db = postgres::connect(&url).await;
    // A server of another version is not at hand: this one says that it is.
    postgres::run(&mut db, "create schema older").await;
    let answer = "create function older.current_setting(text) returns text language sql return '140012'";
    postgres::run(&mut db, answer).await;
    let (_, name) = url.rsplit_once('/').unwrap();
    postgres::run(&mut db, &format!("alter database {name} set search_path = older, pg_catalog, public")).await;

    let message = refusal(&[("DATABASE_URL", &url)]).await;

    insta::assert_snapshot!(
        message,
        @"errand: the database runs PostgreSQL 14, and Errand needs 15 or later: upgrade it, or name another one in DATABASE_URL"
    );
}
