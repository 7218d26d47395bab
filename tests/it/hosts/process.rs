//! The `errand` binary: started with a small environment, signalled, waited for.

use super::eventually;
use crate::support::{binaries, postgres};
use serde_json::Value;
use sqlx::PgConnection;
use std::fs::{self, OpenOptions, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tempfile::{NamedTempFile, TempDir};
use tokio::process::{Child, Command};

/// How long a start may take, on a busy machine and with an empty folder.
const START: Duration = Duration::from_mins(1);

/// How long a stop may take: the longest drain, and PostgreSQL's own stop.
const STOP: Duration = Duration::from_secs(45);

/// A running `errand`; killed when dropped.
pub struct Errand {
    child: Child,
    pid: u32,
    state: PathBuf,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
}

/// Makes an empty folder for `--state`. Whoever has to run PostgreSQL in root's place may enter it.
pub fn state_folder() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap()
}

impl Errand {
    /// Starts `errand up` on a free port and waits until it is up.
    pub async fn up(state: &Path, environment: &[(&str, &str)]) -> Self {
        Self::up_with(state, &[], environment).await
    }

    /// As [`Self::up`], with further arguments.
    pub async fn up_with(state: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut all = vec!["up", "--port", "0"];
        all.extend(arguments);
        Self::start(state, &all, environment).until_up().await
    }

    /// Waits until it says where it answers.
    pub async fn until_up(mut self) -> Self {
        eventually("errand is up", START, async || {
            assert_eq!(self.child.try_wait().unwrap(), None, "errand ended:\n{}", self.output());
            self.find_address()
        })
        .await;
        self
    }

    /// Starts `errand` with these arguments and waits for nothing.
    pub fn start(state: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let (stdout, stderr) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        let append = |file: &NamedTempFile| OpenOptions::new().append(true).open(file.path()).unwrap();
        let child = command(arguments, environment)
            .arg("--state")
            .arg(state)
            .stdout(append(&stdout))
            .stderr(append(&stderr))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let pid = child.id().unwrap();
        Self { child, pid, state: state.to_owned(), stdout, stderr }
    }

    /// Starts `errand up`, insists that it refuses to run, and returns what it says.
    pub async fn refusal(state: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let mut all = vec!["up"];
        all.extend(arguments);
        let mut errand = Self::start(state, &all, environment);
        let status = errand.ended().await;
        assert_eq!(status.code(), Some(1), "{}", errand.output());
        assert_eq!(errand.stdout(), "", "a refusal goes to standard error");
        errand.stderr()
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.find_address().expect("it has said where it answers")
    }

    fn find_address(&self) -> Option<SocketAddr> {
        let json = self.log().iter().find_map(|line| line["address"].as_str()?.parse().ok());
        json.or_else(|| {
            let stdout = self.stdout();
            let line = stdout.lines().find_map(|line| line.trim().strip_prefix("API "))?;
            line.trim().strip_prefix("http://")?.parse().ok()
        })
    }

    /// Its log lines, where they are JSON.
    pub fn log(&self) -> Vec<Value> {
        self.stdout().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until a line of its log says this.
    pub async fn says(&self, words: &str) {
        let said =
            async || self.log().iter().any(|line| line["message"].as_str().unwrap().contains(words)).then_some(());
        eventually(words, START, said).await;
    }

    /// What it has written to standard output.
    pub fn stdout(&self) -> String {
        fs::read_to_string(self.stdout.path()).unwrap()
    }

    /// What it has written to standard error.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.stderr.path()).unwrap()
    }

    fn output(&self) -> String {
        format!("{}{}", self.stdout(), self.stderr())
    }

    /// The URL of the database in the PostgreSQL of its own.
    pub fn database_url(&self) -> String {
        let pid_file = fs::read_to_string(self.state.join("postgres/postmaster.pid")).unwrap();
        let port = pid_file.lines().nth(3).unwrap();
        format!("postgres://errand@127.0.0.1:{port}/errand")
    }

    /// Connects to the database in the PostgreSQL of its own.
    pub async fn database(&self) -> PgConnection {
        postgres::connect(&self.database_url()).await
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        assert!(self.child.id().is_some(), "errand has ended:\n{}", self.output());
        let status = std::process::Command::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "sh", name, &self.pid.to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits until the process has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let Ok(status) = tokio::time::timeout(STOP, self.child.wait()).await else {
            panic!("errand does not end:\n{}", self.output());
        };
        status.unwrap()
    }

    /// Kills the process at once, as the system does when memory runs out.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Stops it as a supervisor does, and insists that it ends well.
    pub async fn stop(mut self) {
        self.signal("TERM");
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "{}", self.output());
    }
}

/// A command of `errand` that ends by itself.
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// Runs `errand` with these arguments until it ends.
pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let output = command(arguments, environment).kill_on_drop(true).output();
    let output = tokio::time::timeout(STOP, output).await.expect("errand does not end").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binaries::path("errand"));
    command
        .args(arguments)
        .env_clear()
        .envs(inherited())
        .env("LOG_FORMAT", "json")
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

/// What the process needs of the developer's shell: where PostgreSQL is.
#[expect(clippy::disallowed_methods, reason = "tests look for PostgreSQL where the developer's shell does")]
fn inherited() -> impl Iterator<Item = (&'static str, String)> {
    ["PATH", "PG_BIN"].into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)))
}
