//! Who uses a data directory now.
//!
//! Two marks are read. The lock file is held by every process of ours that has to do with the
//! directory, the server's own children included, and the kernel frees it with the last of them.
//! `postmaster.pid` tells of servers that somebody started by hand.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::StartError;
use crate::data_dir::Places;
use crate::pid_file::{self, PidFile};
use crate::watched::POLL;

/// How long a server that was told to stop may take.
const STOPPING: Duration = Duration::from_secs(10);

/// How long the end of a killed owner may take to be noticed.
const NOTICING: Duration = Duration::from_secs(3);

/// Waits until a data directory is free and keeps it for as long as the answer is held.
pub(crate) async fn take(places: &Places) -> Result<File, StartError> {
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&places.lock)
        .map_err(|source| StartError::io("open", &places.lock, source))?;

    let begun = Instant::now();
    let mut locked = false;
    loop {
        locked = locked || try_lock(&lock).map_err(|source| StartError::io("lock", &places.lock, source))?;
        let server = running(places).await;
        if locked && server.is_none() {
            remove_stale_file(places)?;
            return Ok(lock);
        }

        let stopping = server.as_ref().is_some_and(PidFile::is_stopping);
        let patience = if stopping { STOPPING } else { NOTICING };
        if begun.elapsed() > patience {
            return Err(StartError::InUse {
                data_dir: places.data.clone(),
                process: server.map(|server| server.process),
                stopping,
            });
        }
        sleep(POLL).await;
    }
}

fn try_lock(lock: &File) -> io::Result<bool> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

async fn running(places: &Places) -> Option<PidFile> {
    let server = PidFile::read(&places.data)?;
    server.is_alive().await.then_some(server)
}

/// Removes what a killed server left behind.
///
/// PostgreSQL would see through most of it, but not when the process number has been given to
/// another program since, and a leftover "ready" must not be taken for the new server's word.
fn remove_stale_file(places: &Places) -> Result<(), StartError> {
    let path = places.data.join(pid_file::NAME);
    match fs::remove_file(&path) {
        Ok(()) => tracing::debug!(path = %path.display(), "removed the mark of a killed server"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(StartError::io("remove", &path, source)),
    }
    Ok(())
}
