//! Start, stop, start again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use local_postgres::{Durability, Options, Server};

use crate::{accepts, eventually, options, postmaster, query, usual_search};

#[tokio::test]
async fn data_outlives_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(options(&folder)).await.unwrap();
    query(&first, "create table kept (id int); insert into kept values (7)").await;
    let port = first.port();

    first.stop().await.unwrap();

    assert!(!accepts(port));
    let second = Server::start(options(&folder)).await.unwrap();
    assert_eq!(query(&second, "select id from kept").await, "7");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn settings_reach_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let throwaway = Server::start(options(&folder)).await.unwrap();
    let settings = "select current_setting('fsync'), current_setting('max_connections'),
        current_setting('listen_addresses'), current_setting('unix_socket_directories'),
        current_setting('timezone'), current_setting('server_encoding'), current_user";

    let unsafe_ones = query(&throwaway, settings).await;
    throwaway.stop().await.unwrap();
    let durable = Options { durability: Durability::Durable, ..options(&folder) };
    let durable = Server::start(durable).await.unwrap();
    let safe_ones = query(&durable, settings).await;
    durable.stop().await.unwrap();

    assert_eq!(unsafe_ones, "off|10|127.0.0.1||UTC|UTF8|errand");
    assert_eq!(safe_ones, "on|10|127.0.0.1||UTC|UTF8|errand");
}

#[tokio::test]
async fn a_durable_data_directory_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = Options::durable(folder.path().join("deeper/data"), usual_search());

    let server = Server::start(wanted).await.unwrap();

    assert_eq!(query(&server, "select 1").await, "1");
    assert!(server.log_file().is_file());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_data_directory_may_move_where_another_user_has_to_run_it() {
    let folder = tempfile::tempdir().unwrap();
    // As root: `nobody` cannot enter the first folder, so root's own files are used there.
    let access = |mode| fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
    for mode in [0o700, 0o755, 0o700] {
        access(mode);

        let server = Server::start(options(&folder)).await.unwrap();

        let counted = "create table if not exists runs (mode int); insert into runs values (1)";
        query(&server, counted).await;
        server.stop().await.unwrap();
    }

    let server = Server::start(options(&folder)).await.unwrap();
    assert_eq!(query(&server, "select count(*) from runs").await, "3");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_throwaway_server_takes_its_data_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = Options::throwaway(folder.path(), usual_search()).unwrap();
    let dropped = Options::throwaway(folder.path(), usual_search()).unwrap();
    assert_ne!(stopped.data_dir, dropped.data_dir);
    let stopped = Server::start(stopped).await.unwrap();
    let dropped = Server::start(dropped).await.unwrap();

    stopped.stop().await.unwrap();
    drop(dropped);

    let nothing_left = || fs::read_dir(folder.path()).unwrap().next().is_none();
    eventually("the folder is empty", nothing_left).await;
}

#[tokio::test]
async fn the_terminal_does_not_reach_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(&folder)).await.unwrap();
    let group_of = |process: &str| {
        let ps = Command::new("ps").args(["-o", "pgid=", "-p", process]).output();
        String::from_utf8(ps.unwrap().stdout).unwrap().trim().to_owned()
    };

    let groups = (group_of(&postmaster(&folder)), group_of(&std::process::id().to_string()));

    assert_ne!(groups.0, "");
    assert_ne!(groups.0, groups.1);
    server.stop().await.unwrap();
}
