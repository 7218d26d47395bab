//! The encrypted way to a database that is named by its host: sqlx speaks in the clear to a socket that only this process
//! may use, and what it says is carried to the server under TLS, which is checked to the host's name.
//!
//! sqlx could encrypt by itself. But it leaves Nagle's algorithm on, so that each new connection waits for the server's
//! delayed acknowledgement (40 ms on Linux, [RFC 9293, 3.8.6.3]) twice; it begins with a key for a curve that PostgreSQL
//! before 18 does not take, which costs a round trip; and it reads and parses all authorities for each connection. A
//! function whose last request was minutes ago pays all of that with the next one.
//!
//! [RFC 9293, 3.8.6.3]: https://www.rfc-editor.org/rfc/rfc9293#section-3.8.6.3

use super::roots;
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional_with_sizes};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Asks a server to go on under TLS.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST>
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// The longest first message that PostgreSQL takes (`MAX_STARTUP_PACKET_LENGTH`).
const LONGEST_STARTUP: u32 = 10_000;

/// Bytes that are carried at once: what one record of TLS takes.
const ROOM: usize = 16 * 1024;

/// What is told to a client when nobody listens at the server's port: soon somebody may.
const CANNOT_CONNECT_NOW: &str = "57P03";

/// What is told when the server cannot be reached in another way, or is not who it should be.
const UNABLE_TO_CONNECT: &str = "08001";

/// Carries new connections to one server for as long as it lives. Those that are carried are, until they end.
#[derive(Debug)]
pub(super) struct Tunnel {
    folder: PathBuf,
    _listening: JoinSet<()>,
}

/// Where connections are carried to.
struct Way {
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: TlsConnector,
}

impl Tunnel {
    /// Listens; nothing is connected before a client is there.
    pub(super) fn start(host: &str, port: u16) -> Result<Self, sqlx::Error> {
        let name = ServerName::try_from(host.to_owned()).map_err(sqlx::Error::config)?;
        let tls = client().map_err(sqlx::Error::config)?;
        let way = Way { host: host.to_owned(), port, name, tls };
        let folder = folder();
        #[cfg(not(target_os = "linux"))]
        make(&folder)?;
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}")))?;
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, way));
        Ok(Self { folder, _listening: listening })
    }

    /// The folder of the socket, as clients of PostgreSQL name it.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

#[cfg(not(target_os = "linux"))]
impl Drop for Tunnel {
    fn drop(&mut self) {
        // What is left is an empty socket, which nobody listens to.
        let _left = std::fs::remove_dir_all(&self.folder);
    }
}

/// On Linux a name that no file belongs to, so that nothing is left when the process is killed. Elsewhere a folder of a short
/// path: that of a socket may not be longer than a hundred bytes.
fn folder() -> PathBuf {
    let place = if cfg!(target_os = "linux") { "\0" } else { "/tmp/" };
    PathBuf::from(format!("{place}errand-{:032x}", fastrand::u128(..)))
}

/// Makes the folder, for the user alone.
#[cfg(not(target_os = "linux"))]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

/// TLS as any client of the process speaks it, but for the order of the curves: the first is the one that a key is sent
/// for, and `prime256v1` is the one that PostgreSQL before 18 takes (`ssl_ecdh_curve`).
fn client() -> Result<TlsConnector, rustls::Error> {
    let kx_groups = vec![ring::kx_group::SECP256R1, ring::kx_group::X25519, ring::kx_group::SECP384R1];
    let provider = CryptoProvider { kx_groups, ..ring::default_provider() };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots::trusted())
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn listen(listener: UnixListener, way: Way) {
    let way = Arc::new(way);
    loop {
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(error) => {
                // Too many open files: whoever asked is answered when one of them is closed.
                tracing::warn!(%error, "A connection to the database could not be accepted");
                tokio::time::sleep(super::pool::RECONNECT_PAUSE).await;
                continue;
            }
        };
        if is_ours(&client) {
            #[expect(clippy::disallowed_methods, reason = "it ends with its connection, which may outlive the tunnel")]
            tokio::spawn(carry(client, Arc::clone(&way)));
        }
    }
}

/// Others on the same host may see the socket; a password they would still need.
fn is_ours(client: &UnixStream) -> bool {
    let pid = client.peer_cred().ok().and_then(|peer| peer.pid());
    pid.is_some_and(|pid| u32::try_from(pid) == Ok(std::process::id()))
}

/// Serves one client until either side is gone.
async fn carry(mut client: UnixStream, way: Arc<Way>) {
    let Ok(startup) = first_message(&mut client).await else { return };
    let connected = tokio::select! {
        connected = way.connect(&startup) => connected,
        () = gone(&client) => return,
    };
    match connected {
        // How it ended is for both sides to see.
        Ok(mut server) => drop(copy_bidirectional_with_sizes(&mut client, &mut server, ROOM, ROOM).await),
        Err(error) => drop(client.write_all(&way.refusal(&error)).await),
    }
}

/// Reads the message that a client begins with: its length, and as many bytes less the four of the length.
async fn first_message(client: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = client.read_u32().await?;
    if !(4..=LONGEST_STARTUP).contains(&length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = length.to_be_bytes().to_vec();
    client.take(u64::from(length) - 4).read_to_end(&mut message).await?;
    Ok(message)
}

/// Waits until a client has gone that is not answered yet: it says nothing before it is, so what there is to read is its end.
async fn gone(client: &UnixStream) {
    while client.readable().await.is_ok() {
        match client.try_read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

impl Way {
    /// Connects, insists on TLS, and passes on what the client began with.
    async fn connect(&self, startup: &[u8]) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&SSL_REQUEST).await?;
        if stream.read_u8().await? != b'S' {
            return Err(io::Error::other("the server does not support TLS"));
        }
        let mut stream = self.tls.connect(self.name.clone(), stream).await?;
        stream.write_all(startup).await?;
        stream.flush().await?;
        Ok(stream)
    }

    /// What PostgreSQL's clients understand as the reason why there is no session.
    /// <https://www.postgresql.org/docs/current/protocol-error-fields.html>
    fn refusal(&self, error: &io::Error) -> Vec<u8> {
        let code = match error.kind() {
            io::ErrorKind::ConnectionRefused => CANNOT_CONNECT_NOW,
            _ => UNABLE_TO_CONNECT,
        };
        let text = format!("cannot connect to {}:{}: {error}", self.host, self.port).replace('\0', "");
        let fields = format!("SFATAL\0VFATAL\0C{code}\0M{text}\0\0");
        let mut message = b"E".to_vec();
        message.extend_from_slice(&u32::try_from(fields.len() + 4).unwrap_or(u32::MAX).to_be_bytes());
        message.extend_from_slice(fields.as_bytes());
        message
    }
}
