//! What is left lying about in a folder. A bucket has lifecycle rules for that.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Deletes the files below a folder that were last written before a time; returns how many. What is not there (any more)
/// is no error.
pub(super) fn sweep(folder: &Path, before: SystemTime) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut deleted = 0;
    for entry in entries {
        match sweep_entry(&entry?, before) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            swept => deleted += swept?,
        }
    }
    Ok(deleted)
}

fn sweep_entry(entry: &DirEntry, before: SystemTime) -> io::Result<usize> {
    if entry.file_type()?.is_dir() {
        return sweep(&entry.path(), before);
    }
    if entry.metadata()?.modified()? >= before {
        return Ok(0);
    }
    fs::remove_file(entry.path())?;
    Ok(1)
}
