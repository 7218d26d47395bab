//! A child process that ends when this process does, even when this process is killed.
//!
//! A small shell script stands in between and reads a pipe that only this process can write to.
//! When the kernel closes the pipe, the script stops the child. Both are in a process group of
//! their own, so Ctrl-C in a terminal reaches this process only, which can then stop in order.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often a state is looked at that nobody announces.
pub(crate) const POLL: Duration = Duration::from_millis(10);

const SCRIPT: &str = include_str!("watchdog.sh");

/// A running command; dropping it asks the command to stop and does not wait.
#[derive(Debug)]
pub(crate) struct Watched {
    // Not tokio's: a server often outlives the runtime of the test that started it.
    script: Child,
}

impl Watched {
    /// Starts a command that holds `lock` and writes to `log`.
    ///
    /// `doomed` is a data directory to remove, with its siblings, when this process lets go.
    pub(crate) fn spawn<'a>(
        command: impl IntoIterator<Item = &'a OsStr>,
        lock: &File,
        log: &File,
        doomed: Option<&Path>,
    ) -> io::Result<Self> {
        let script = Command::new("sh")
            .args(["-c", SCRIPT, "watchdog"])
            .arg(doomed.map_or(OsStr::new(""), Path::as_os_str))
            .args(command)
            // The user that runs PostgreSQL may have no access to the present folder.
            .current_dir("/")
            // Messages in the log are recognised by their English text.
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(lock.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0)
            .spawn()?;
        Ok(Self { script })
    }

    /// The exit status, once the command has ended.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.script.try_wait()
    }

    /// Waits for the command to end on its own.
    pub(crate) async fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            if begun.elapsed() > limit {
                return Ok(None);
            }
            sleep(POLL).await;
        }
    }

    /// Asks the command to finish in good order.
    pub(crate) fn let_go(&mut self) {
        drop(self.script.stdin.take());
    }

    /// Orders the command to stop at once.
    pub(crate) fn abort(&mut self) {
        if let Some(mut pipe) = self.script.stdin.take() {
            // A script that has gone already has nothing left to stop.
            let _gone = pipe.write_all(b"stop at once\n");
        }
    }
}
