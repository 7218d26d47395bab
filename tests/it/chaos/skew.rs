//! Hosts whose clocks are wrong: a small library, built with the compiler that Rust links with, moves the one on the wall
//! for one process, and lets the other stand still while the process is frozen, so that it does not know that its leases
//! are over. Only on Linux; elsewhere all clocks are right.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// The variables of a process whose clock is this wrong.
pub fn environment(seconds: i64) -> Vec<(String, String)> {
    let Some(library) = library() else { return Vec::new() };
    vec![("LD_PRELOAD".to_owned(), library.display().to_string()), ("SKEW_SECONDS".to_owned(), seconds.to_string())]
}

/// The variables of a process for which each freeze takes this much longer than it does; `None` where that cannot be.
pub fn long_freezes(seconds: i64) -> Option<Vec<(String, String)>> {
    let library = library()?.display().to_string();
    Some(vec![("LD_PRELOAD".to_owned(), library), ("SUSPENSION_SECONDS".to_owned(), seconds.to_string())])
}

fn library() -> Option<&'static PathBuf> {
    static LIBRARY: OnceLock<Option<(TempDir, PathBuf)>> = OnceLock::new();
    let built = LIBRARY.get_or_init(|| cfg!(target_os = "linux").then(build));
    built.as_ref().map(|(_, library)| library)
}

fn build() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let library = folder.path().join("skew.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/chaos/skew.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    assert!(built.unwrap().success());
    (folder, library)
}

#[tokio::test]
async fn a_skewed_process_has_another_time() {
    let date = |variables: Vec<(String, String)>| {
        let output = Command::new("date").arg("+%s").envs(variables).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<i64>().unwrap()
    };

    let ahead = date(environment(3_600)) - date(Vec::new());

    assert!(library().is_none() || (3_599..=3_601).contains(&ahead), "{ahead}");
}
