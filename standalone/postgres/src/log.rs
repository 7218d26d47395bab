//! The log of a server, beside its data directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// Size from which a log starts anew, so that years of use do not fill the disk.
const LARGEST: u64 = 10 * 1024 * 1024;

/// How many lines an error message quotes.
const QUOTED_LINES: usize = 15;

/// A log file and where this run began in it.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    begin: u64,
}

impl Log {
    /// Opens a log for appending.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        if file.metadata()?.len() > LARGEST {
            file.set_len(0)?;
        }
        let begin = file.metadata()?.len();
        Ok(Self { path: path.to_path_buf(), file, begin })
    }

    /// The last lines written since it was opened; empty when it cannot be read.
    pub(crate) fn tail(&self) -> String {
        let text = self.text().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(QUOTED_LINES);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    fn text(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.begin))?;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
