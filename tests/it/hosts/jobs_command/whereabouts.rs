//! Which database is looked at, and what is said when there is none.

use super::app;
use crate::hosts::{Client, Errand, run, state_folder};
use crate::support::probe::Probe;
use std::net::TcpListener;

#[tokio::test]
async fn a_running_errand_is_found_by_its_state_folder() {
    let folder = state_folder();
    let errand = Errand::up(folder.path(), &[]).await;
    let client = Client::new(errand.address(), "ada@example.com").await;
    let job = client.export("csv").await;
    client.result(&job).await;
    let state = folder.path().to_str().unwrap();

    let named = run(&["jobs", "--state", state, "show", &job, "--json"], &[]).await.json();
    let from_environment = run(&["jobs", "show", &job, "--json"], &[("ERRAND_STATE", state)]).await.json();

    assert_eq!((&named["kind"], &named["state"]), (&"export_tasks".into(), &"succeeded".into()));
    assert_eq!(named, from_environment);
    errand.stop().await;

    let stopped = run(&["jobs", "--state", state, "stats"], &[]).await;

    assert_eq!((stopped.code, stopped.stdout.as_str()), (1, ""));
    let said =
        format!("errand: no errand runs on the state folder {state}: start one, name another folder with --state");
    assert!(stopped.stderr.starts_with(&said), "{}", stopped.stderr);
}

#[tokio::test]
async fn the_command_line_wins_over_the_environment() {
    let app = app().await;
    let id = app.enqueue(&Probe::Nothing).await.to_string();
    let elsewhere = [("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")];

    let shown = run(&["jobs", "show", &id, "--json", "--database", &app.url], &elsewhere).await;

    assert_eq!(shown.json()["id"], id);
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_said_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let refused =
        run(&["jobs", "stats", "--database", &format!("postgres://ada:pass-word@{closed}/errand")], &[]).await;

    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.starts_with("errand: the database cannot be used: "), "{}", refused.stderr);
    assert!(!refused.stderr.contains("pass-word"), "{}", refused.stderr);
}

#[tokio::test]
async fn what_cannot_be_understood_is_a_mistake_of_use() {
    for arguments in [
        ["jobs", "list", "--state=lost"].as_slice(),
        &["jobs", "list", "--limit=0"],
        &["jobs", "list", "--owner=ada"],
        &["jobs", "show"],
        &["jobs", "show", "no-id"],
        &["jobs", "retry"],
        &["jobs", "retry", "--all-failed"],
        &["jobs", "retry", "--kind=probe"],
        &["jobs", "retry", "01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001", "--kind=probe", "--all-failed"],
        &["jobs", "cancel"],
        &["jobs", "redrive", "--limit=0"],
        &["jobs"],
    ] {
        let refused = run(arguments, &[]).await;

        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{arguments:?}: {}", refused.stderr);
    }
}
