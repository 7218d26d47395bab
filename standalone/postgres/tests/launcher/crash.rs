//! Deaths of the server, of its owner, and what they leave behind.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use local_postgres::{Options, Server, StartError};
use tokio::time::timeout;

use crate::{accepts, eventually, options, postmaster, query, signal};

#[tokio::test]
async fn a_killed_server_starts_again_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(options(&folder)).await.unwrap();
    query(&server, "create table kept (id int); insert into kept values (7)").await;
    query(&server, "insert into kept values (8)").await;
    let port = server.port();

    server.kill().await.unwrap();
    assert!(!accepts(port));
    server.start_again().await.unwrap();

    assert_eq!(server.port(), port);
    assert_eq!(query(&server, "select sum(id) from kept").await, "15");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn starting_a_running_server_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(options(&folder)).await.unwrap();
    let process = postmaster(&folder);

    server.start_again().await.unwrap();

    assert_eq!(postmaster(&folder), process);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_somebody_killed_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(options(&folder)).await.unwrap();

    signal("-KILL", &postmaster(&folder));
    eventually("its end is noticed", || !server.is_running()).await;
    server.start_again().await.unwrap();

    assert_eq!(query(&server, "select 1").await, "1");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_waits_for_the_server_of_an_owner_that_has_just_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(options(&folder)).await.unwrap();
    query(&first, "create table kept (id int); insert into kept values (7)").await;

    drop(first);
    let second = Server::start(options(&folder)).await.unwrap();

    assert_eq!(query(&second, "select id from kept").await, "7");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_that_is_given_up_at_any_moment_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();

    // First while `initdb` is at work, then while the server itself starts.
    for _phase in ["initdb", "postgres"] {
        for patience in (0..80).step_by(5).map(Duration::from_millis) {
            let _given_up = timeout(patience, Server::start(options(&folder))).await;
        }
        let server = Server::start(options(&folder)).await.unwrap();

        assert_eq!(query(&server, "select 1").await, "1");
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_throwaway_server_that_crashed_takes_its_data_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let throwaway = Options { remove_data: true, ..options(&folder) };
    let mut server = Server::start(throwaway).await.unwrap();

    server.kill().await.unwrap();
    drop(server);

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_half_made_data_directory_does_not_stop_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join("data.init/base");
    fs::create_dir_all(&half).unwrap();
    fs::write(folder.path().join("data.init/PG_VERSION"), "15\n").unwrap();

    let server = Server::start(options(&folder)).await.unwrap();

    assert!(!folder.path().join("data.init").exists());
    assert_eq!(query(&server, "select 1").await, "1");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_mark_whose_process_number_another_program_has_now_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(&folder)).await.unwrap();
    let file = folder.path().join("data/postmaster.pid");
    let mark = fs::read_to_string(&file).unwrap();
    let recycled = mark.replacen(&postmaster(&folder), &std::process::id().to_string(), 1);
    server.stop().await.unwrap();
    fs::write(&file, recycled).unwrap();

    let server = Server::start(options(&folder)).await.unwrap();

    assert_eq!(query(&server, "select 1").await, "1");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_taken_meanwhile_is_reported_and_the_next_try_can_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(options(&folder)).await.unwrap();
    server.kill().await.unwrap();
    let thief = TcpListener::bind((Ipv4Addr::LOCALHOST, server.port())).unwrap();

    let failed = server.start_again().await;

    let Err(StartError::Ended { tail, .. }) = failed else {
        panic!("the port was taken, but: {failed:?}");
    };
    assert!(tail.contains("could not bind"), "{tail}");
    drop(thief);
    server.start_again().await.unwrap();
    server.stop().await.unwrap();
}
