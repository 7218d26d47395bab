//! One installation of PostgreSQL.

use std::path::{Path, PathBuf};

use semver::Version;
use tokio::process::Command;

/// Oldest major version that is accepted.
pub const OLDEST_MAJOR: u64 = 15;

/// A folder with the programs of one PostgreSQL version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder that holds `postgres` and `initdb`.
    pub dir: PathBuf,
    /// Its version; PostgreSQL's `15.4` is `15.4.0` here.
    pub version: Version,
}

impl Binaries {
    /// Looks at a folder by running its `postgres`; `Err` says why the folder is of no use.
    pub(crate) async fn inspect(dir: &Path) -> Result<Self, String> {
        // Programs are started from another folder than the present one.
        let dir = std::path::absolute(dir).map_err(|error| error.to_string())?;
        for program in ["postgres", "initdb"] {
            if !dir.join(program).is_file() {
                return Err(format!("no `{program}` in it"));
            }
        }

        let version = answered_version(&dir.join("postgres")).await?;
        if version.major < OLDEST_MAJOR {
            return Err(format!("version {}.{} is older than {OLDEST_MAJOR}", version.major, version.minor));
        }
        Ok(Self { dir, version })
    }

    /// Path of one of the programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

async fn answered_version(postgres: &Path) -> Result<Version, String> {
    let output = Command::new(postgres)
        .arg("--version")
        .output()
        .await
        .map_err(|error| format!("`postgres` does not run: {error}"))?;
    let answer = String::from_utf8_lossy(&output.stdout);
    parse_version(&answer).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!(
            "`postgres --version` answered nothing of use ({}): {}{}",
            output.status,
            answer.trim(),
            complaint.trim()
        )
    })
}

/// Reads `postgres (PostgreSQL) 15.4 (Debian …)`, `… 9.6.24`, `… 18beta1`.
fn parse_version(answer: &str) -> Option<Version> {
    let (_, numbers) = answer.split_once("(PostgreSQL)")?;
    let mut parts = numbers.split_whitespace().next()?.split('.');
    let major = leading_number(parts.next()?)?;
    let mut next = || parts.next().and_then(leading_number).unwrap_or(0);
    Some(Version::new(major, next(), next()))
}

/// Reads the digits that a text begins with.
pub(crate) fn leading_number(text: &str) -> Option<u64> {
    let digits = text.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_every_form_postgresql_prints() {
        let read = |text| parse_version(&format!("postgres (PostgreSQL) {text}\n"));

        assert_eq!(read("15.18 (Debian 15.18-0+deb12u1)"), Some(Version::new(15, 18, 0)));
        assert_eq!(read("9.6.24"), Some(Version::new(9, 6, 24)));
        assert_eq!(read("18beta1"), Some(Version::new(18, 0, 0)));
        assert_eq!(read("devel"), None);
        assert_eq!(parse_version("postgres 15.1"), None);
    }
}
