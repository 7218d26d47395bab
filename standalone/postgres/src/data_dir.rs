//! Makes a data directory, checks an existing one and hands it to the user that runs the server.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Words;
use crate::identity::Identity;
use crate::log::Log;
use crate::watched::Watched;
use crate::{Binaries, Durability, Options, StartError};

/// How long `initdb` may take: a second or two, more on a slow disk that has to sync.
const INITDB: Duration = Duration::from_mins(2);

/// The data directory and what stands beside it.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) parent: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) lock: PathBuf,
    /// Where `initdb` works, so that the data directory itself is whole or not there.
    unfinished: PathBuf,
}

impl Places {
    /// Names the places and makes the folder they are in.
    pub(crate) fn beside(data_dir: &Path) -> Result<Self, StartError> {
        let failed = |source| StartError::io("use", data_dir, source);
        let absolute = std::path::absolute(data_dir).map_err(failed)?;
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(failed(io::ErrorKind::InvalidFilename.into()));
        };
        fs::create_dir_all(parent).map_err(|source| StartError::io("make", parent, source))?;

        let parent = parent.canonicalize().map_err(|source| StartError::io("use", parent, source))?;
        let beside = |extension: &str| {
            let mut sibling = name.to_owned();
            sibling.push(extension);
            parent.join(sibling)
        };
        Ok(Self { data: beside(""), log: beside(".log"), lock: beside(".lock"), unfinished: beside(".init"), parent })
    }

    /// The major version that made the data; `None` when there is no data yet.
    pub(crate) fn made_by(&self) -> Result<Option<String>, StartError> {
        let file = self.data.join("PG_VERSION");
        match fs::read_to_string(&file) {
            Ok(version) => Ok(Some(version.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.nothing_there(),
            Err(source) => Err(StartError::io("read", &file, source)),
        }
    }

    /// Removes all of it, as far as it is there.
    pub(crate) fn remove(&self) {
        let folders = [&self.data, &self.unfinished].map(fs::remove_dir_all);
        let files = [&self.log, &self.lock].map(fs::remove_file);
        for error in folders.into_iter().chain(files).filter_map(Result::err) {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path = %self.data.display(), %error, "cannot remove a throwaway data directory");
            }
        }
    }

    fn nothing_there(&self) -> Result<Option<String>, StartError> {
        match fs::read_dir(&self.data).map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(None),
            Ok(false) => Err(StartError::NotADataDirectory(self.data.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StartError::io("read", &self.data, source)),
        }
    }
}

/// Makes the data directory ready for a start; the caller holds its lock.
pub(crate) async fn prepare(
    places: &Places,
    binaries: &Binaries,
    identity: &Identity,
    options: &Options,
    lock: &File,
) -> Result<(), StartError> {
    match places.made_by()? {
        None => initialise(places, binaries, identity, options, lock).await,
        Some(major) if major == binaries.version.major.to_string() => hand_over(&places.data, identity),
        Some(made_by) => Err(StartError::OtherVersion {
            data_dir: places.data.clone(),
            made_by,
            installed: binaries.version.clone(),
            dir: binaries.dir.clone(),
        }),
    }
}

async fn initialise(
    places: &Places,
    binaries: &Binaries,
    identity: &Identity,
    options: &Options,
    lock: &File,
) -> Result<(), StartError> {
    tracing::debug!(path = %places.data.display(), "making a data directory");
    let folder = &places.unfinished;
    remove_leftover(folder)?;
    fs::create_dir(folder).map_err(|source| StartError::io("make", folder, source))?;
    hand_over(folder, identity)?;

    let program = binaries.program("initdb");
    let log = Log::open(&places.log).map_err(|source| StartError::io("open", &places.log, source))?;
    let doomed = options.remove_data.then_some(places.data.as_path());
    let command = initdb(&program, folder, identity, options.durability);
    let mut child =
        Watched::spawn(command, lock, &log.file, doomed).map_err(|source| StartError::io("run", &program, source))?;
    match child.wait(INITDB).await {
        Ok(Some(status)) if status.success() => {}
        Ok(Some(status)) => return Err(Words::of("initdb", &log).ended(status)),
        Ok(None) => return Err(Words::of("initdb", &log).slow(INITDB)),
        Err(source) => return Err(StartError::io("wait for", &program, source)),
    }

    fs::rename(folder, &places.data).map_err(|source| StartError::io("make", &places.data, source))?;
    if options.durability == Durability::Durable {
        // Without this a power cut could undo the renaming but keep what was written since.
        File::open(&places.parent)
            .and_then(|parent| parent.sync_all())
            .map_err(|source| StartError::io("sync", &places.parent, source))?;
    }
    Ok(())
}

fn initdb<'a>(
    program: &'a Path,
    folder: &'a Path,
    identity: &'a Identity,
    durability: Durability,
) -> impl Iterator<Item = &'a OsStr> {
    let fixed = ["--auth=trust", "--username=errand", "--encoding=UTF8", "--locale=C", "--no-instructions"];
    let no_sync = (durability == Durability::Throwaway).then_some("--no-sync");
    identity
        .prefix
        .iter()
        .map(OsString::as_os_str)
        .chain([program.as_os_str()])
        .chain(fixed.into_iter().chain(no_sync).map(OsStr::new))
        .chain([OsStr::new("-D"), folder.as_os_str()])
}

/// Removes what an `initdb` left that was killed.
fn remove_leftover(folder: &Path) -> Result<(), StartError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StartError::io("remove", folder, error)),
        _ => Ok(()),
    }
}

/// Gives a folder, with all that is in it, to the user that will run the server.
///
/// The user may differ from the last run's, when the data was moved or the machine has changed.
fn hand_over(folder: &Path, identity: &Identity) -> Result<(), StartError> {
    let Some(owner) = identity.owner else {
        return Ok(());
    };
    let failed = |source| StartError::io("change the owner of", folder, source);
    let now = fs::metadata(folder).map_err(failed)?;
    if (now.uid(), now.gid()) == owner {
        return Ok(());
    }
    give(folder, owner).map_err(failed)
}

/// The folder itself comes last: as long as it has the old owner, the work is not done.
fn give(folder: &Path, owner: (u32, u32)) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            give(&entry.path(), owner)?;
        } else {
            lchown(entry.path(), Some(owner.0), Some(owner.1))?;
        }
    }
    lchown(folder, Some(owner.0), Some(owner.1))
}
