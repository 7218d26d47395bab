//! The launcher against real PostgreSQL binaries, fake ones, and the deaths of either side.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod binary;
mod crash;
mod lifecycle;
mod refusal;
mod search;

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use local_postgres::{Durability, Options, Search, Server};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// The usual places, as on the machine of a user.
#[expect(clippy::disallowed_methods, reason = "tests look for PostgreSQL where the developer's shell does")]
fn usual_search() -> Search {
    Search::from_environment(|name| std::env::var(name).ok())
}

/// A server that keeps its data in `folder/data` but does not sync it.
fn options(folder: &TempDir) -> Options {
    Options {
        data_dir: folder.path().join("data"),
        durability: Durability::Throwaway,
        max_connections: 10,
        search: usual_search(),
        remove_data: false,
    }
}

/// Runs a statement with the `psql` of the installation that the launcher finds.
async fn query(server: &Server, sql: &str) -> String {
    let psql = usual_search().find(None).await.unwrap().dir.join("psql");
    let output = Command::new(psql).args(["-X", "-A", "-t", "-c", sql, &server.url("postgres")]).output().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Polls until something holds, for twenty seconds at most.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

fn accepts(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Process number that the running server wrote down.
fn postmaster(folder: &TempDir) -> String {
    let file = fs::read_to_string(folder.path().join("data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().to_owned()
}

fn signal(name: &str, process: &str) {
    let status = Command::new("kill").args([name, process]).status().unwrap();
    assert!(status.success());
}

/// Makes a folder with a `postgres` that only answers its version, and an `initdb`.
fn fake_binaries(dir: &Path, version: &str) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    for program in ["postgres", "initdb"] {
        let path = dir.join(program);
        let script = format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }
    dir.canonicalize().unwrap()
}
