//! The file, a part at a time: no more of it is in memory, and no answer of S3 is left open while rows are written.

use bytes::Bytes;
use shared::imports::ImportTasks;
use shared::jobs::Failure;
use shared::storage::{Storage, StorageError};

/// Bytes that are read at once.
const PART: u64 = 1024 * 1024;

pub(super) struct File<'a> {
    storage: &'a Storage,
    import: &'a ImportTasks,
    offset: u64,
    part: Bytes,
}

impl<'a> File<'a> {
    pub(super) fn new(storage: &'a Storage, import: &'a ImportTasks, offset: u64) -> Self {
        Self { storage, import, offset, part: Bytes::new() }
    }

    /// Where the next byte is.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the next bytes, without taking them; none at the end of the file.
    pub(super) async fn peek(&mut self) -> Result<Bytes, Failure> {
        if self.part.is_empty() && self.offset < self.import.bytes {
            let end = self.import.bytes.min(self.offset + PART);
            let version = self.import.version.as_deref();
            self.part = match self.storage.read(&self.import.object_key, self.offset..end, version).await {
                Err(StorageError::Gone) => return Err(Failure::discard("the file is gone: upload it again")),
                Err(StorageError::Changed) => {
                    return Err(Failure::discard(
                        "another file was put in the place of the one that was to be imported",
                    ));
                }
                part => part?,
            };
        }
        Ok(self.part.clone())
    }

    /// Takes bytes that were seen.
    pub(super) fn take(&mut self, bytes: usize) {
        let taken = self.part.split_to(bytes.min(self.part.len()));
        self.offset += u64::try_from(taken.len()).unwrap_or(u64::MAX);
    }
}
