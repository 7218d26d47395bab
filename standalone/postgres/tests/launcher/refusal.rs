//! Errors, each with what to do about it.

use std::fs;

use local_postgres::{Options, Search, Server, StartError};

use crate::{fake_binaries, options, query};

#[tokio::test]
async fn two_servers_do_not_share_a_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(options(&folder)).await.unwrap();

    let error = Server::start(options(&folder)).await.unwrap_err();

    let data_dir = options(&folder).data_dir;
    assert!(matches!(error, StartError::InUse { stopping: false, .. }));
    let message = error.to_string();
    assert!(message.contains(&data_dir.display().to_string()), "{message}");
    assert!(message.contains("--state"), "{message}");
    assert_eq!(query(&first, "select 1").await, "1");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn data_of_another_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "14\n").unwrap();
    let bin = fake_binaries(&folder.path().join("bin"), "16.2");
    let search = Search { path: Some(bin.clone().into_os_string()), ..Search::default() };

    let error = Server::start(Options::durable(&data, search)).await.unwrap_err();

    let data = data.canonicalize().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "the data in {} was made by PostgreSQL 14, but PostgreSQL 16 is what was found (in {})\n\
             Install PostgreSQL 14 beside it (or point PG_BIN to it), or start over with an empty database: --fresh.",
            data.display(),
            bin.display()
        )
    );
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("thesis.txt"), "mine").unwrap();

    let error = Server::start(options(&folder)).await.unwrap_err();

    assert!(matches!(error, StartError::NotADataDirectory(_)), "{error}");
    assert_eq!(fs::read(data.join("thesis.txt")).unwrap(), b"mine");
}

#[tokio::test]
async fn a_server_that_gives_up_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(&folder)).await.unwrap();
    server.stop().await.unwrap();
    let settings = folder.path().join("data/postgresql.auto.conf");
    fs::write(settings, "no_such_setting = 1\n").unwrap();

    let error = Server::start(options(&folder)).await.unwrap_err();

    let message = error.to_string();
    assert!(message.starts_with("postgres ended at once"), "{message}");
    assert!(message.contains("no_such_setting"), "{message}");
    assert!(message.contains("data.log"), "{message}");
}

#[tokio::test]
async fn a_throwaway_server_that_cannot_start_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = Options::throwaway(folder.path(), Search::default()).unwrap();

    Server::start(nowhere).await.unwrap_err();

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
