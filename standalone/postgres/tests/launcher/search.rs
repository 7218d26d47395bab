//! Which installation is taken, and what is said when there is none.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use local_postgres::{Installed, Search, StartError};
use tempfile::TempDir;

use crate::fake_binaries;

#[tokio::test]
async fn the_message_says_where_it_looked_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let old = fake_binaries(&folder.path().join("bin"), "13.4 (Debian 13.4-1)");
    let packages = folder.path().join("packages");
    let search =
        Search { path: Some(old.clone().into_os_string()), installed: installed(&packages), ..Search::default() };

    let error = search.find(None).await.unwrap_err();

    assert!(matches!(error, StartError::NothingFound(_)));
    assert_eq!(
        error.to_string(),
        format!(
            "\
no usable PostgreSQL was found (15 or newer is needed); looked at:
  - {}: version 13.4 is older than 15
  - pg_config --bindir: no `pg_config` on PATH
  - {}/*/bin: nothing there
  - download: switched off
Do one of these:
  - install it (packages for systems that only offer an older one: https://www.postgresql.org/download/)
      Debian, Ubuntu:  sudo apt-get install postgresql
      Fedora:          sudo dnf install postgresql-server
      macOS:           brew install postgresql@17
  - set PG_BIN to the folder that holds `postgres` and `initdb`
  - set DATABASE_URL to a server of your own, for example one in a container:
      docker run --detach --publish 127.0.0.1:5432:5432 --env POSTGRES_USER=errand --env POSTGRES_PASSWORD=errand postgres:17
      DATABASE_URL=postgres://errand:errand@127.0.0.1:5432/errand",
            old.display(),
            packages.display()
        )
    );
}

#[tokio::test]
async fn nowhere_to_look_is_said_as_well() {
    let error = Search::default().find(None).await.unwrap_err();

    let message = error.to_string();
    assert!(message.contains("PATH: no `postgres` in any of its folders"), "{message}");
}

#[tokio::test]
async fn an_old_version_is_passed_over_for_the_highest_of_the_newer_ones() {
    let folder = tempfile::tempdir().unwrap();
    let old = fake_binaries(&folder.path().join("bin"), "14.9");
    let packages = folder.path().join("packages");
    fake_binaries(&packages.join("9.6/bin"), "9.6.24");
    fake_binaries(&packages.join("16/bin"), "16.1");
    let highest = fake_binaries(&packages.join("17/bin"), "17.2");
    let search = Search { path: Some(old.into_os_string()), installed: installed(&packages), ..Search::default() };

    let found = search.find(None).await.unwrap();

    assert_eq!(found.dir.canonicalize().unwrap(), highest);
    assert_eq!(found.version.to_string(), "17.2.0");
}

#[tokio::test]
async fn the_version_that_made_the_data_is_preferred() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["15", "16", "17"] {
        fake_binaries(&folder.path().join(version).join("bin"), version);
    }
    let search = Search { installed: installed(folder.path()), ..Search::default() };

    let same = search.find(Some(16)).await.unwrap();
    let none_such = search.find(Some(14)).await.unwrap();

    assert_eq!(same.version.major, 16);
    assert_eq!(none_such.version.major, 17);
}

#[tokio::test]
async fn a_link_on_the_path_leads_to_the_real_folder() {
    let folder = tempfile::tempdir().unwrap();
    let real = fake_binaries(&folder.path().join("real"), "16.3");
    let links = folder.path().join("links");
    fs::create_dir(&links).unwrap();
    symlink(real.join("postgres"), links.join("postgres")).unwrap();
    let search = Search { path: Some(links.into_os_string()), ..Search::default() };

    assert_eq!(search.find(None).await.unwrap().dir, real);
}

#[tokio::test]
async fn pg_config_is_asked_for_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let real = fake_binaries(&folder.path().join("real"), "16.3");
    let search = Search { path: Some(pg_config_answering(&folder, &real)), ..Search::default() };

    assert_eq!(search.find(None).await.unwrap().dir, real);
}

#[tokio::test]
async fn a_version_downloaded_earlier_is_taken_from_the_cache() {
    let cache = tempfile::tempdir().unwrap();
    let bin = fake_binaries(&cache.path().join("17.6.0/bin"), "17.6");
    let search = Search { download_to: Some(cache.path().to_path_buf()), ..Search::default() };

    let found = search.find(None).await.unwrap();

    assert_eq!(found.dir.canonicalize().unwrap(), bin);
}

#[tokio::test]
async fn the_folder_asked_for_has_to_work() {
    let folder = tempfile::tempdir().unwrap();
    let old = fake_binaries(&folder.path().join("old"), "12.1");
    let good = fake_binaries(&folder.path().join("good"), "16.1");
    let missing = folder.path().join("missing");
    let search = |pg_bin: &PathBuf| {
        let variables = HashMap::from([("PG_BIN", pg_bin.display().to_string()), ("PATH", good.display().to_string())]);
        Search::from_environment(|name| variables.get(name).cloned())
    };

    let too_old = search(&old).find(None).await.unwrap_err().to_string();
    let not_there = search(&missing).find(None).await.unwrap_err().to_string();
    let taken = search(&good).find(None).await.unwrap();

    assert!(too_old.contains("version 12.1 is older than 15"), "{too_old}");
    assert!(too_old.contains("PG_BIN"), "{too_old}");
    assert!(not_there.contains("no `postgres` in it"), "{not_there}");
    assert_eq!(taken.dir, good);
}

fn installed(parent: impl Into<PathBuf>) -> Vec<Installed> {
    vec![Installed { parent: parent.into(), prefix: String::new() }]
}

fn pg_config_answering(folder: &TempDir, bin: &std::path::Path) -> OsString {
    let tools = folder.path().join("tools");
    let program = tools.join("pg_config");
    fs::create_dir(&tools).unwrap();
    fs::write(&program, format!("#!/bin/sh\necho '{}'\n", bin.display())).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    tools.into_os_string()
}
