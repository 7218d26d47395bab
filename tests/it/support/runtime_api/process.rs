//! The function's process: its variables, its output, its memory and the signals it gets.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    net::SocketAddr,
    path::Path,
    process::{Command as BlockingCommand, ExitStatus, Stdio},
    thread,
};

use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

/// Memory of a process at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident now, in KiB.
    pub current_kib: u64,
    /// The most that was ever resident, in KiB.
    pub peak_kib: u64,
}

/// A running function; killed when dropped.
pub(super) struct Process {
    child: Child,
    pid: u32,
    output: NamedTempFile,
}

impl Process {
    /// Starts `binary` with the variables Lambda sets, then those of `environment`, and nothing
    /// else.
    ///
    /// Output goes to a file, not a pipe: what the process has written can be read at once, and an
    /// unread pipe cannot block it.
    pub(super) fn spawn(binary: &Path, function: &str, runtime_api: SocketAddr, environment: &[(&str, &str)]) -> Self {
        let output = NamedTempFile::new().unwrap();
        let log = OpenOptions::new().append(true).open(output.path()).unwrap();
        let child = Command::new(binary)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
                ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0"),
                ("AWS_REGION", "eu-central-1"),
                ("LANG", "en_US.UTF-8"),
                ("PATH", "/usr/local/bin:/usr/bin:/bin"),
                ("TZ", ":UTC"),
            ])
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}"))
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", binary.display()));
        let pid = child.id().unwrap();

        Self { child, pid, output }
    }

    /// Waits until the process has ended.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// Kills the process and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Stops the process and returns when it stands still, where `/proc` can tell.
    pub(super) fn freeze(&self) {
        self.signal("STOP");
        while self.state().is_some_and(|state| ["D", "R", "S"].contains(&state.as_str())) {
            thread::yield_now();
        }
    }

    /// Lets a stopped process go on.
    pub(super) fn thaw(&self) {
        self.signal("CONT");
    }

    /// The id of the process.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The lines written so far.
    pub(super) fn output(&self) -> Vec<String> {
        let written = fs::read(self.output.path()).unwrap();
        String::from_utf8_lossy(&written).lines().map(str::to_owned).collect()
    }

    /// Memory as the kernel counts it.
    pub(super) fn resident_memory(&self) -> Option<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let kib = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };

        Some(Memory { current_kib: kib("VmRSS:")?, peak_kib: kib("VmHWM:")? })
    }

    /// Sends a signal through the shell's `kill`, so that no unsafe code and no further crate is
    /// needed.
    fn signal(&self, name: &str) {
        assert!(self.child.id().is_some(), "the process is gone");
        let status = BlockingCommand::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "sh", name])
            .arg(self.pid.to_string())
            .status()
            .unwrap();
        assert!(status.success(), "kill -s {name} {}: {status}", self.pid);
    }

    /// The state letter of the process; it follows the name, which stands in parentheses and may
    /// hold spaces.
    fn state(&self) -> Option<String> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let (_, after_name) = stat.rsplit_once(')')?;
        after_name.split_whitespace().next().map(str::to_owned)
    }
}

/// The name of the function a binary is: its file name, or its folder's where the file is called
/// `bootstrap`.
pub(super) fn function_name(binary: &Path) -> String {
    let named = if binary.file_name() == Some(OsStr::new("bootstrap")) { binary.parent().unwrap() } else { binary };
    named.file_name().unwrap().to_string_lossy().into_owned()
}
