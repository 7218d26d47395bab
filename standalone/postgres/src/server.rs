//! A private PostgreSQL server.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use semver::Version;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::data_dir::{self, Places};
use crate::error::Words;
use crate::identity::Identity;
use crate::log::Log;
use crate::occupancy;
use crate::pid_file::PidFile;
use crate::watched::{POLL, Watched};
use crate::{Binaries, Durability, Options, StartError, StopError};

/// How long a server may take until it accepts connections.
const STARTING: Duration = Duration::from_secs(30);

/// How long a server may take to write everything down and stop.
const STOPPING: Duration = Duration::from_mins(1);

/// How often a start is tried when another program has taken the port.
const PORT_TRIES: u32 = 5;

/// A running server; dropping it stops the server without waiting for that.
#[derive(Debug)]
pub struct Server {
    options: Options,
    places: Places,
    binaries: Binaries,
    identity: Identity,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    process: Watched,
    /// Keeps the data directory ours.
    _lock: File,
}

impl Server {
    /// Starts a server and returns once it accepts connections.
    ///
    /// # Errors
    ///
    /// Every [`StartError`]; each says what to do about it.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let outcome = Self::find_and_start(&options).await;
        if outcome.is_err() && options.remove_data {
            // Only a folder that is still empty goes: what failed may want looking at.
            let _not_empty = fs::remove_dir(&options.data_dir);
        }
        outcome
    }

    async fn find_and_start(options: &Options) -> Result<Self, StartError> {
        let places = Places::beside(&options.data_dir)?;
        let wanted = places.made_by()?.and_then(|major| major.parse().ok());
        let binaries = options.search.find(wanted).await?;
        let identity = Identity::choose(&binaries, &places.parent).await?;
        let lock = occupancy::take(&places).await?;
        data_dir::prepare(&places, &binaries, &identity, options, &lock).await?;

        let mut server = Self { options: options.clone(), places, binaries, identity, port: 0, running: None };
        server.launch(lock, None).await?;
        Ok(server)
    }

    /// Address of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// Port on 127.0.0.1; stays the same over [`kill`](Self::kill) and [`start_again`](Self::start_again).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Version of the binaries that run.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.binaries.version
    }

    /// Where the server writes its log.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        &self.places.log
    }

    /// Whether the server is there; a crash is noticed a moment later.
    pub fn is_running(&mut self) -> bool {
        let running = self.running.as_mut();
        running.is_some_and(|running| matches!(running.process.ended(), Ok(None)))
    }

    /// Stops the server in good order: connections are cut, everything is written down.
    ///
    /// # Errors
    ///
    /// The server is still there after a minute.
    pub async fn stop(mut self) -> Result<(), StopError> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.process.let_go();
        gone(&mut running).await
    }

    /// Stops the server as if it had crashed: nothing is written down, the next start recovers.
    ///
    /// # Errors
    ///
    /// The server is still there after a minute.
    pub async fn kill(&mut self) -> Result<(), StopError> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.process.abort();
        gone(&mut running).await
    }

    /// Starts a server that was killed or has crashed, on the same port and data directory.
    ///
    /// Does nothing while it runs.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub async fn start_again(&mut self) -> Result<(), StartError> {
        if self.is_running() {
            return Ok(());
        }
        // What is left of a crashed server must not hold the lock that is taken next.
        self.running = None;
        let lock = occupancy::take(&self.places).await?;
        self.launch(lock, Some(self.port)).await
    }

    async fn launch(&mut self, lock: File, port: Option<u16>) -> Result<(), StartError> {
        let program = self.binaries.program("postgres");
        let doomed = self.options.remove_data.then_some(self.places.data.as_path());
        let log = &self.places.log;

        let mut tries = 0;
        loop {
            tries += 1;
            let port = match port {
                Some(port) => port,
                None => free_port().map_err(|source| StartError::io("bind", "127.0.0.1", source))?,
            };
            let log = Log::open(log).map_err(|source| StartError::io("open", log, source))?;
            let arguments = self.arguments(&program, port);
            let command = self.identity.prefix.iter().chain(&arguments);
            let command = command.map(OsString::as_os_str);
            let mut process = Watched::spawn(command, &lock, &log.file, doomed)
                .map_err(|source| StartError::io("run", &program, source))?;

            match self.ready(&mut process, port, &log).await {
                Ok(()) => {
                    self.port = port;
                    self.running = Some(Running { process, _lock: lock });
                    return Ok(());
                }
                Err(error) if error.is_about_the_port() && tries < PORT_TRIES => {
                    tracing::debug!(port, "the port was taken, trying again");
                    sleep(POLL).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn arguments(&self, program: &Path, port: u16) -> Vec<OsString> {
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            // None at all: nothing to keep private, to keep short, or to clear away.
            "unix_socket_directories=".to_owned(),
            format!("max_connections={}", self.options.max_connections),
            "shared_buffers=64MB".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "log_min_messages=warning".to_owned(),
            "log_destination=stderr".to_owned(),
            "logging_collector=off".to_owned(),
        ];
        if self.options.durability == Durability::Throwaway {
            // Commits stay synchronous: that costs little without fsync, and without it `kill`
            // would lose what had been committed just before.
            settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
        }

        let mut arguments: Vec<OsString> = vec![program.into(), "-D".into(), self.places.data.clone().into()];
        for setting in settings {
            arguments.extend([OsStr::new("-c").to_owned(), setting.into()]);
        }
        arguments
    }

    /// Waits until the server says that it is ready and a connection to it succeeds.
    async fn ready(&self, process: &mut Watched, port: u16, log: &Log) -> Result<(), StartError> {
        let begun = Instant::now();
        loop {
            let ended = process.ended();
            if let Some(status) = ended.map_err(|source| StartError::io("wait for", "postgres", source))? {
                return Err(Words::of("postgres", log).ended(status));
            }
            let says_so = PidFile::read(&self.places.data).is_some_and(|file| file.is_ready(port));
            if says_so && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                return Ok(());
            }
            if begun.elapsed() > STARTING {
                return Err(Words::of("postgres", log).slow(STARTING));
            }
            sleep(POLL).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // While it runs this is left to the script beside it, which outlives us.
        if self.options.remove_data && !self.is_running() {
            self.places.remove();
        }
    }
}

async fn gone(running: &mut Running) -> Result<(), StopError> {
    match running.process.wait(STOPPING).await? {
        Some(_status) => Ok(()),
        None => Err(StopError::Slow(STOPPING.as_secs())),
    }
}

/// Address of a database of the server on a port.
pub(crate) fn url(port: u16, database: &str) -> String {
    format!("postgres://errand@127.0.0.1:{port}/{database}")
}

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
