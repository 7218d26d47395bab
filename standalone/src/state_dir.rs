//! The state folder: the database's files, finished exports, mail, the development secret. One process uses it at a time.

use crate::cli::StateArgs;
use anyhow::{Context as _, bail};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Everything that is kept in the folder, but for the lock and the downloads: what `--fresh` deletes, and nothing else,
/// so that a folder of other things can be named by mistake without loss.
const KEPT: [&str; 8] =
    ["exports", "lambda.env", "mail", "postgres", "postgres.init", "postgres.lock", "postgres.log", "secret-key"];

/// The folder, locked for this process.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Opens the folder, makes it when it is missing, and empties it first when that was asked for.
    pub(crate) fn open(arguments: &StateArgs, lookup: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let path = chosen(arguments.state.clone(), lookup);
        fs::create_dir_all(&path).with_context(|| format!("the state folder {} cannot be made", path.display()))?;
        let path = path.canonicalize()?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another errand uses the state folder {}: stop it, or choose another folder with --state",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("the state folder {} cannot be locked", path.display()));
            }
        }
        let state = Self { path, _lock: lock };
        if arguments.fresh {
            state.empty()?;
        }
        Ok(state)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn exports(&self) -> PathBuf {
        self.path.join("exports")
    }

    /// Mail that went nowhere else.
    pub(crate) fn mail(&self) -> PathBuf {
        self.path.join("mail")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        postgres(&self.path)
    }

    /// Downloaded programs: what `--fresh` leaves alone.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.path.join("downloads")
    }

    /// Returns the development secret, made when it is first asked for.
    pub(crate) fn secret_key(&self) -> anyhow::Result<String> {
        let path = self.path.join("secret-key");
        let mut key = String::new();
        if let Ok(mut file) = File::open(&path) {
            file.read_to_string(&mut key)?;
        }
        if key.is_empty() {
            key = random_key()?;
            write_private(&path, key.as_bytes())?;
        }
        Ok(key)
    }

    /// Deletes everything but the lock and the downloads.
    fn empty(&self) -> anyhow::Result<()> {
        for name in KEPT {
            let path = self.path.join(name);
            let deleted = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match deleted {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("{} cannot be deleted", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where the folder is: the command line, else `ERRAND_STATE`, else `.errand`.
pub(crate) fn chosen(argument: Option<PathBuf>, lookup: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let from_environment = || lookup("ERRAND_STATE").filter(|path| !path.is_empty()).map(PathBuf::from);
    argument.or_else(from_environment).unwrap_or_else(|| PathBuf::from(".errand"))
}

/// The database's files in a folder.
pub(crate) fn postgres(folder: &Path) -> PathBuf {
    folder.join("postgres")
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    options.open(path)?.write_all(content)
}

fn random_key() -> anyhow::Result<String> {
    let random = ring::rand::generate::<[u8; 32]>(&ring::rand::SystemRandom::new());
    let Ok(bytes) = random else { bail!("the system has no randomness for a secret") };
    let mut key = String::new();
    for byte in bytes.expose() {
        write!(key, "{byte:02x}")?;
    }
    Ok(key)
}
