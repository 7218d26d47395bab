//! `local-postgres run`, as scripts use it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::{accepts, eventually};

fn local_postgres(temporary: &TempDir, script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-postgres"));
    command.args(["run", "--", "sh", "-c", script]).env("TMPDIR", temporary.path());
    command
}

fn is_empty(folder: &TempDir) -> bool {
    fs::read_dir(folder.path()).unwrap().next().is_none()
}

#[test]
fn the_exit_code_of_the_command_is_handed_on() {
    let temporary = tempfile::tempdir().unwrap();

    let output = local_postgres(&temporary, "echo $DATABASE_URL; exit 7").output().unwrap();

    assert_eq!(output.status.code(), Some(7));
    let url = String::from_utf8(output.stdout).unwrap();
    assert!(url.starts_with("postgres://errand@127.0.0.1:"), "{url}");
    assert!(is_empty(&temporary));
}

#[test]
fn a_wrong_command_line_is_explained() {
    let program = env!("CARGO_BIN_EXE_local-postgres");

    let output = Command::new(program).args(["run", "true"]).output().unwrap();

    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(complaint, "local-postgres: usage: local-postgres run -- <command>…\n");
}

#[tokio::test]
async fn a_killed_owner_takes_the_server_and_its_data_along() {
    let temporary = tempfile::tempdir().unwrap();
    let mut owner = local_postgres(&temporary, "echo $DATABASE_URL; exec cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The command outlives its parent for as long as this is held, like a real one might.
    let command = owner.stdin.take().unwrap();
    let mut url = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let port = port_of(&url);
    assert!(accepts(port));

    owner.kill().unwrap();
    owner.wait().unwrap();

    eventually("the server is gone", || !accepts(port)).await;
    eventually("its data is gone", || is_empty(&temporary)).await;
    drop(command);
}

#[tokio::test]
async fn an_owner_killed_while_the_data_directory_is_made_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let mut owner = local_postgres(&temporary, "exec cat").spawn().unwrap();
    let being_made = || {
        let entries = fs::read_dir(temporary.path()).unwrap();
        entries.flatten().any(|entry| entry.path().join("base").is_dir())
    };
    eventually("initdb is at work", being_made).await;

    owner.kill().unwrap();
    owner.wait().unwrap();

    eventually("nothing is left", || is_empty(&temporary)).await;
}

fn port_of(url: &str) -> u16 {
    let (_, rest) = url.split_once("127.0.0.1:").unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}
