//! Files: one seam over a folder of this machine and an S3 bucket.

mod sweep;

use crate::config::{StorageConfig, StorageSource};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::StreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt as _};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

/// How long a presigned URL works.
const LINK_LIFETIME: Duration = Duration::from_mins(5);

/// Bytes that are collected before a part is uploaded; S3 wants at least 5 MiB a part, except for the last.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no such file (any more).
    #[error("the file is gone")]
    Gone,
    /// The file is there, and is not the one that was meant.
    #[error("the file was replaced by another one")]
    Changed,
    /// The folder or the bucket refused, or could not be reached.
    #[error(transparent)]
    Store(object_store::Error),
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Gone,
            object_store::Error::Precondition { .. } => Self::Changed,
            other => Self::Store(other),
        }
    }
}

/// How a client gets a file.
pub enum Download {
    /// From S3 itself, by this presigned URL.
    Link(String),
    /// From us.
    Stream {
        /// Size in bytes.
        size: u64,
        /// The bytes.
        content: Box<dyn Stream<Item = Result<Bytes, StorageError>> + Send + Unpin>,
    },
}

/// A file that is there.
#[derive(Clone, Debug)]
pub struct Found {
    /// Size in bytes.
    pub size: u64,
    /// Another one when the file is replaced; `None` where the storage knows none.
    pub version: Option<String>,
}

/// Where files are kept; built when first used.
#[derive(Clone, Debug)]
pub struct Storage {
    source: Arc<StorageSource>,
    store: Arc<OnceLock<Store>>,
}

#[derive(Clone, Debug)]
enum Store {
    Folder(Arc<LocalFileSystem>),
    Bucket(Arc<AmazonS3>),
}

impl Storage {
    /// Makes the handle; nothing is opened before the first use.
    #[must_use]
    pub fn new(config: StorageConfig) -> Self {
        Self { source: Arc::new(config.source), store: Arc::default() }
    }

    /// Opens a file for writing. It appears under its key when the writer is shut down, complete or not at all.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn writer(&self, key: &str) -> Result<BufWriter, StorageError> {
        Ok(BufWriter::with_capacity(self.any()?, Path::from(key), PART_BYTES).with_max_concurrency(1))
    }

    /// Offers a file for download: a link into the bucket, or the folder's bytes.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when a folder has no such file; links are not checked.
    pub async fn download(&self, key: &str) -> Result<Download, StorageError> {
        match self.store()? {
            Store::Folder(folder) => {
                let file = folder.get(&Path::from(key)).await?;
                let size = file.meta.size;
                let content = Box::new(file.into_stream().map(|chunk| chunk.map_err(StorageError::from)));
                Ok(Download::Stream { size, content })
            }
            Store::Bucket(bucket) => {
                let link = bucket.signed_url(http::Method::GET, &Path::from(key), LINK_LIFETIME).await?;
                Ok(Download::Link(link.into()))
            }
        }
    }

    /// Returns a link to which a client can send a file with `PUT`; `None` for a folder, which has none. S3 takes up to
    /// 5 GB there, and signs no limit below that: whoever uses the file looks at its size.
    ///
    /// # Errors
    /// When the link cannot be signed.
    pub async fn upload_link(&self, key: &str, lifetime: Duration) -> Result<Option<String>, StorageError> {
        match self.store()? {
            Store::Folder(_) => Ok(None),
            Store::Bucket(bucket) => {
                let link = bucket.signed_url(http::Method::PUT, &Path::from(key), lifetime).await?;
                Ok(Some(link.into()))
            }
        }
    }

    /// Looks for a file.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when there is none.
    pub async fn find(&self, key: &str) -> Result<Found, StorageError> {
        let found = self.any()?.head(&Path::from(key)).await.map_err(missing)?;
        Ok(Found { size: found.size, version: found.e_tag })
    }

    /// Reads a part of a file that is still in the given version.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when there is no such file, [`StorageError::Changed`] when it was replaced.
    pub async fn read(&self, key: &str, range: Range<u64>, version: Option<&str>) -> Result<Bytes, StorageError> {
        let options =
            GetOptions { range: Some(range.into()), if_match: version.map(str::to_owned), ..GetOptions::default() };
        let part = self.any()?.get_opts(&Path::from(key), options).await.map_err(missing)?;
        Ok(part.bytes().await?)
    }

    /// Deletes a file; one that is gone already is no error.
    ///
    /// # Errors
    /// When the folder or the bucket refuses.
    pub async fn delete(&self, key: &str) -> Result<(), StorageError> {
        match self.any()?.delete(&Path::from(key)).await.map_err(StorageError::from) {
            Err(StorageError::Gone) => Ok(()),
            deleted => deleted,
        }
    }

    /// Deletes files whose keys begin with a prefix and that were last written before a time, whoever knows of them: uploads
    /// that were never imported, and pieces of files whose writer died. Returns how many. A bucket is left alone: it has
    /// lifecycle rules for that.
    ///
    /// # Errors
    /// When the folder refuses.
    pub async fn sweep(&self, prefix: &str, before: SystemTime) -> Result<usize, StorageError> {
        let StorageSource::Folder(folder) = &*self.source else { return Ok(0) };
        let folder = folder.join(prefix);
        let swept = tokio::task::spawn_blocking(move || sweep::sweep(&folder, before)).await;
        swept.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|source| {
            StorageError::Store(object_store::Error::Generic { store: "folder", source: Box::new(source) })
        })
    }

    fn any(&self) -> Result<Arc<dyn ObjectStore>, StorageError> {
        Ok(match self.store()? {
            Store::Folder(folder) => folder,
            Store::Bucket(bucket) => bucket,
        })
    }

    fn store(&self) -> Result<Store, StorageError> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        let opened = match &*self.source {
            StorageSource::Folder(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|source| object_store::Error::Generic { store: "folder", source: Box::new(source) })?;
                Store::Folder(Arc::new(LocalFileSystem::new_with_prefix(folder)?))
            }
            StorageSource::Bucket(bucket) => {
                crate::tls::install();
                let store = AmazonS3Builder::from_env().with_config(AmazonS3ConfigKey::Bucket, bucket).build()?;
                Store::Bucket(Arc::new(store))
            }
        };
        Ok(self.store.get_or_init(|| opened).clone())
    }
}

/// S3 answers "forbidden" for what is not there to whoever may not list the bucket, and the functions may not.
fn missing(error: object_store::Error) -> StorageError {
    match error {
        object_store::Error::PermissionDenied { .. } => StorageError::Gone,
        other => other.into(),
    }
}
