//! Which user runs PostgreSQL.
//!
//! PostgreSQL refuses root, and containers and small virtual machines often have nobody else. Root
//! is exchanged for `nobody`: for real where `nobody` can reach the files, else inside a user
//! namespace, where root's own files appear as those of `nobody`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::{Binaries, StartError};

/// How to call PostgreSQL's programs, and who has to own their files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// What comes before the program on the command line.
    pub(crate) prefix: Vec<OsString>,
    /// User and group that have to own the data directory; `None` leaves it alone.
    pub(crate) owner: Option<(u32, u32)>,
}

impl Identity {
    /// Finds a user that can run these binaries on files in `folder`.
    pub(crate) async fn choose(binaries: &Binaries, folder: &Path) -> Result<Self, StartError> {
        if own_user().await != Some(0) {
            return Ok(Self::default());
        }

        let mut refused = Vec::new();
        for identity in Self::instead_of_root() {
            match identity.can_run(binaries, folder).await {
                Ok(()) => return Ok(identity),
                Err(why) => refused.push(why),
            }
        }
        Err(StartError::Root { folder: folder.to_path_buf(), refused: refused.join("\n  ") })
    }

    fn instead_of_root() -> [Self; 2] {
        let (user, group) = nobody();
        let words = |words: [String; 4]| words.map(OsString::from).to_vec();
        [
            Self {
                prefix: words([
                    "setpriv".to_owned(),
                    format!("--reuid={user}"),
                    format!("--regid={group}"),
                    "--clear-groups".to_owned(),
                ]),
                owner: Some((user, group)),
            },
            Self {
                prefix: words([
                    "unshare".to_owned(),
                    "--user".to_owned(),
                    format!("--map-user={user}"),
                    format!("--map-group={group}"),
                ]),
                owner: Some((0, 0)),
            },
        ]
    }

    /// Tries it out; `Err` says what went wrong.
    async fn can_run(&self, binaries: &Binaries, folder: &Path) -> Result<(), String> {
        let trial = [
            OsStr::new("sh"),
            OsStr::new("-c"),
            OsStr::new("cd \"$1\" && exec \"$2\" --version"),
            OsStr::new("trial"),
            folder.as_os_str(),
        ];
        let mut words = self.prefix.iter().map(OsString::as_os_str).chain(trial);
        let Some(program) = words.next() else {
            return Ok(());
        };
        let name = program.to_string_lossy();

        let output = Command::new(program)
            .args(words)
            .arg(binaries.program("postgres"))
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| format!("`{name}` does not run: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{name}` failed ({}): {}", output.status, complaint.trim()))
    }
}

/// The number of the user this process runs as.
async fn own_user() -> Option<u32> {
    if let Ok(own) = fs::metadata("/proc/self") {
        return Some(own.uid());
    }
    let output = Command::new("id").arg("-u").output().await.ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// User and group number of `nobody`, which differ between distributions.
fn nobody() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    accounts.lines().find_map(numbers_of_nobody).unwrap_or((65534, 65534))
}

/// Reads `nobody:x:65534:65534:…`.
fn numbers_of_nobody(line: &str) -> Option<(u32, u32)> {
    let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_nobody_come_from_the_account_file() {
        let line = "nobody:x:65534:99:nobody:/nonexistent:/usr/sbin/nologin";

        assert_eq!(numbers_of_nobody(line), Some((65534, 99)));
        assert_eq!(numbers_of_nobody("root:x:0:0:root:/root:/bin/sh"), None);
    }
}
