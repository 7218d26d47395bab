//! What a caller chooses about a server.

use std::path::{Path, PathBuf};
use std::{fs, io, process};

use crate::Search;

/// How a private server is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the database files; made when it is missing.
    ///
    /// `<data_dir>.log` and `<data_dir>.lock` appear beside it.
    pub data_dir: PathBuf,
    /// What a power cut may cost.
    pub durability: Durability,
    /// Most connections at a time.
    pub max_connections: u16,
    /// Where to look for PostgreSQL.
    pub search: Search,
    /// Removes the data directory and its log once the server was stopped or its owner has died.
    pub remove_data: bool,
}

/// What a power cut may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Committed data stays.
    Durable,
    /// Everything may be lost, in return for speed; the death of a process still costs nothing.
    Throwaway,
}

impl Options {
    /// Describes a server whose data is to stay.
    #[must_use]
    pub fn durable(data_dir: impl Into<PathBuf>, search: Search) -> Self {
        Self {
            data_dir: data_dir.into(),
            durability: Durability::Durable,
            max_connections: 100,
            search,
            remove_data: false,
        }
    }

    /// Describes a server with an empty data directory of its own in `parent`, removed at the end.
    ///
    /// # Errors
    ///
    /// The folder could not be made.
    pub fn throwaway(parent: &Path, search: Search) -> io::Result<Self> {
        Ok(Self {
            data_dir: new_folder(parent)?,
            durability: Durability::Throwaway,
            max_connections: 200,
            search,
            remove_data: true,
        })
    }
}

/// Makes a folder that nobody else has, without needing random numbers.
fn new_folder(parent: &Path) -> io::Result<PathBuf> {
    let mut number = 0_u32;
    loop {
        let folder = parent.join(format!("errand-postgres-{}-{number}", process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}
