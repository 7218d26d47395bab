//! What can go wrong, in words that say what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use semver::Version;

use crate::OLDEST_MAJOR;
use crate::log::Log;

/// A server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No installation fits and none could be downloaded.
    #[error(transparent)]
    NothingFound(#[from] NothingFound),

    /// The installation that was asked for is of no use.
    #[error(
        "PG_BIN is {dir}, which cannot be used: {why}\n\
         Set it to a folder that holds `postgres` and `initdb` of version {OLDEST_MAJOR} or newer, or unset it."
    )]
    PgBin {
        /// The folder that was asked for.
        dir: PathBuf,
        /// What is wrong with it.
        why: String,
    },

    /// The data directory belongs to another major version.
    #[error(
        "the data in {data_dir} was made by PostgreSQL {made_by}, but PostgreSQL {major} is what was found (in {dir})\n\
         Install PostgreSQL {made_by} beside it (or point PG_BIN to it), or start over with an empty database: --fresh.",
        major = .installed.major
    )]
    OtherVersion {
        /// The data directory.
        data_dir: PathBuf,
        /// Major version that made it.
        made_by: String,
        /// Version of the installation found.
        installed: Version,
        /// Folder of that installation.
        dir: PathBuf,
    },

    /// The folder holds something else.
    #[error("{0} is not empty and holds no PostgreSQL data: it is left alone, choose another folder")]
    NotADataDirectory(PathBuf),

    /// Another server uses the data directory.
    #[error("{}", in_use(.data_dir, *.process, *.stopping))]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
        /// Process of the other server, where it is known.
        process: Option<u32>,
        /// Whether that server has been told to stop and takes its time.
        stopping: bool,
    },

    /// PostgreSQL refuses to run as root, and no way around it works here.
    #[error(
        "PostgreSQL refuses to run as root, and it could not be run as `nobody` on {folder}:\n  {refused}\n\
         Run this as an ordinary user, or keep the data in a folder that `nobody` may enter, \
         or set DATABASE_URL to a server of your own."
    )]
    Root {
        /// Folder that was to hold the data directory.
        folder: PathBuf,
        /// What was tried, and what came of it.
        refused: String,
    },

    /// `initdb` or the server gave up.
    #[error("{program} ended at once ({status}); its last words, from {log}:\n{tail}")]
    Ended {
        /// Which of the two.
        program: &'static str,
        /// How it ended.
        status: String,
        /// Where the whole log is.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },

    /// `initdb` or the server took too long.
    #[error("{program} was not ready within {seconds} s; its last words, from {log}:\n{tail}")]
    Slow {
        /// Which of the two.
        program: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// Where the whole log is.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },

    /// A file or process could not be handled.
    #[error("cannot {doing} {path}")]
    Io {
        /// The verb.
        doing: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl StartError {
    pub(crate) fn io(doing: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { doing, path: path.as_ref().to_path_buf(), source }
    }

    /// Whether another program listens on the port that was to be used.
    pub(crate) fn is_about_the_port(&self) -> bool {
        matches!(self, Self::Ended { tail, .. } if tail.contains("could not bind"))
    }
}

/// The last words of a program that failed, to make an error of.
#[derive(Debug)]
pub(crate) struct Words {
    program: &'static str,
    log: PathBuf,
    tail: String,
}

impl Words {
    pub(crate) fn of(program: &'static str, log: &Log) -> Self {
        Self { program, log: log.path.clone(), tail: log.tail() }
    }

    pub(crate) fn ended(self, status: ExitStatus) -> StartError {
        let Self { program, log, tail } = self;
        StartError::Ended { program, status: status.to_string(), log, tail }
    }

    pub(crate) fn slow(self, limit: Duration) -> StartError {
        let Self { program, log, tail } = self;
        StartError::Slow { program, seconds: limit.as_secs(), log, tail }
    }
}

fn in_use(data_dir: &Path, process: Option<u32>, stopping: bool) -> String {
    let folder = data_dir.display();
    let process = process.map_or_else(String::new, |number| format!(" (process {number})"));
    if stopping {
        format!("a server that used {folder} before is still shutting down{process}: try again in a moment")
    } else {
        format!("another server{process} is using {folder}: stop it, or choose another folder (--state)")
    }
}

/// A server could not be stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It was told to stop and is still there.
    #[error("PostgreSQL was told to stop and is still there after {0} s")]
    Slow(u64),

    /// Its process could not be waited for.
    #[error("cannot wait for PostgreSQL to stop")]
    Wait(#[from] io::Error),
}

/// No usable installation: what was looked at, why it was refused, what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NothingFound {
    /// Every place, in the order they were looked at.
    pub refused: Vec<Refusal>,
}

/// A place that was looked at in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The folder, or what led to it.
    pub place: String,
    /// Why it is of no use.
    pub why: String,
}

impl std::error::Error for NothingFound {}

impl fmt::Display for NothingFound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "no usable PostgreSQL was found ({OLDEST_MAJOR} or newer is needed); looked at:")?;
        for Refusal { place, why } in &self.refused {
            writeln!(out, "  - {place}: {why}")?;
        }
        out.write_str(ADVICE)
    }
}

const ADVICE: &str = "\
Do one of these:
  - install it (packages for systems that only offer an older one: https://www.postgresql.org/download/)
      Debian, Ubuntu:  sudo apt-get install postgresql
      Fedora:          sudo dnf install postgresql-server
      macOS:           brew install postgresql@17
  - set PG_BIN to the folder that holds `postgres` and `initdb`
  - set DATABASE_URL to a server of your own, for example one in a container:
      docker run --detach --publish 127.0.0.1:5432:5432 --env POSTGRES_USER=errand --env POSTGRES_PASSWORD=errand postgres:17
      DATABASE_URL=postgres://errand:errand@127.0.0.1:5432/errand";
