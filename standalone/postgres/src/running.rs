//! Finds the server that another process runs.

use crate::pid_file::PidFile;
use crate::server;
use std::path::Path;

/// Address of a database of the server that runs on a data directory, whoever started it; `None` when none is ready.
pub async fn running(data_dir: &Path, database: &str) -> Option<String> {
    let server = PidFile::read(data_dir)?;
    let port = server.ready_port()?;
    server.is_alive().await.then(|| server::url(port, database))
}
