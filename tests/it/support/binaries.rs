//! Where the workspace's binaries are: built on first use, or given by whoever runs the tests.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// The packages whose binaries the tests run.
const PACKAGES: [&str; 10] =
    ["api", "worker", "scheduler", "migrate", "outbound", "smoke", "errand", "echo", "actors", "bench-jobs"];

/// Variables that Cargo sets for the test process alone; passed on, they would make build scripts
/// run again.
const OWN_TO_THIS_PACKAGE: [&str; 4] = ["CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_PACKAGE"];

/// The path of a workspace binary.
///
/// With `ERRAND_BIN_DIR` set it is taken from there, as `<name>` or as `<name>/bootstrap` (the
/// layout of cargo-lambda), relative to the workspace: so the same tests run on release builds.
/// Otherwise the binaries are built with the profile of the tests, once per test process.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it through the environment")]
pub fn path(name: &str) -> PathBuf {
    match env::var_os("ERRAND_BIN_DIR") {
        Some(directory) => given(&workspace().join(directory), name),
        None => built(name),
    }
}

/// The path of a function's binary in an older build, which `ERRAND_OLD_BIN_DIR` names as `ERRAND_BIN_DIR` names that of
/// today; without it the two are the same.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it through the environment")]
pub fn older(name: &str) -> PathBuf {
    match env::var_os("ERRAND_OLD_BIN_DIR") {
        Some(directory) => given(&workspace().join(directory), name),
        None => path(name),
    }
}

fn given(directory: &Path, name: &str) -> PathBuf {
    let plain = directory.join(name);
    let candidates = [plain.join("bootstrap"), plain];
    candidates
        .iter()
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("there is none of {candidates:?}"))
        .clone()
}

fn built(name: &str) -> PathBuf {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();

    BUILT.get_or_init(build).get(name).unwrap_or_else(|| panic!("{name} is not a binary of {PACKAGES:?}")).clone()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Builds into the folder this executable lies in (`<target>/<profile>/deps/it-…`), and reads from
/// Cargo's report where each binary is.
fn build() -> HashMap<String, PathBuf> {
    let executable = env::current_exe().unwrap();
    let profile = executable.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(workspace())
        .args(["build", "--quiet", "--bins", "--message-format=json"])
        .args(PACKAGES.map(|package| format!("--package={package}")))
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .stderr(Stdio::inherit());
    match profile.file_name().unwrap().to_str().unwrap() {
        "debug" => {}
        profile => {
            cargo.args(["--profile", profile]);
        }
    }
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if OWN_TO_THIS_PACKAGE.iter().any(|own| name.starts_with(own)) {
            cargo.env_remove(&variable);
        }
    }

    let output = cargo.output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let messages: Vec<Value> = report.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let errors: Vec<&str> = messages.iter().filter_map(|message| message["message"]["rendered"].as_str()).collect();
    assert!(output.status.success(), "the binaries cannot be built:\n{}", errors.join("\n"));

    messages
        .iter()
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?;
            Some((name.to_owned(), message["executable"].as_str()?.into()))
        })
        .collect()
}
