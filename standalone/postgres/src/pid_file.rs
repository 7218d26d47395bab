//! `postmaster.pid`, the file in which a running server says what it is doing.

use std::fs;
use std::path::Path;

use tokio::process::Command;

/// Name of the file in a data directory.
pub(crate) const NAME: &str = "postmaster.pid";

/// What a server wrote about itself; it may have died since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) process: u32,
    port: Option<u16>,
    status: String,
}

impl PidFile {
    /// Reads the file of a data directory; `None` when there is none, or none that is whole.
    pub(crate) fn read(data_dir: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data_dir.join(NAME)).ok()?)
    }

    /// Lines, by number: 1 process, 4 port, 8 status (see `miscadmin.h` of PostgreSQL).
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().collect();
        Some(Self {
            process: lines.first()?.trim().parse().ok()?,
            port: lines.get(3).and_then(|line| line.trim().parse().ok()),
            status: lines.get(7).map_or_else(String::new, |line| line.trim().to_owned()),
        })
    }

    /// Whether it accepts connections on a port.
    pub(crate) fn is_ready(&self, port: u16) -> bool {
        self.ready_port() == Some(port)
    }

    /// The port on which it accepts connections; `None` while it does not.
    pub(crate) fn ready_port(&self) -> Option<u16> {
        self.port.filter(|_| self.status == "ready")
    }

    /// Whether it has been told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.status == "stopping"
    }

    /// Whether its process is still there and still a PostgreSQL server.
    ///
    /// The name matters: after a reboot, or in a new container, the number is another program's.
    pub(crate) async fn is_alive(&self) -> bool {
        let Some(command) = command_of(self.process).await else {
            return false;
        };
        let name = command.rsplit('/').next().unwrap_or_default();
        // Children of a server call themselves "postgres: checkpointer" and the like.
        matches!(name, "postgres" | "postmaster")
    }
}

/// The program that a process runs, as it was called; `None` when there is no such process.
async fn command_of(process: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        let program = line.split(|byte| *byte == 0).next()?;
        return Some(String::from_utf8_lossy(program).into_owned());
    }
    let output = Command::new("ps").args(["-o", "comm=", "-p", &process.to_string()]).output().await.ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_server_is_read_from_its_file() {
        let text = "71\n/data\n1700000000\n5433\n\n127.0.0.1\n  1 2\nready   \n";

        let file = PidFile::parse(text).unwrap();

        assert_eq!(file.process, 71);
        assert!(file.is_ready(5433));
        assert!(!file.is_ready(5432));
        assert!(!file.is_stopping());
    }

    #[test]
    fn a_file_that_is_just_being_written_says_less() {
        assert_eq!(PidFile::parse(""), None);

        let begun = PidFile::parse("71\n/data\n").unwrap();
        assert!(!begun.is_ready(5432));
    }
}
