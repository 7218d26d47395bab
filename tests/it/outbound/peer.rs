//! The other side of an HTTP call: a server that says what it was told to, byte by byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A server that answers each request in the same way.
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

/// What happens after the answer.
#[derive(Clone, Copy)]
pub enum Then {
    /// The connection is closed.
    Close,
    /// The connection stays, and nothing more is said.
    Hang,
}

impl Peer {
    /// Starts a server that says this.
    pub async fn start(answer: impl Into<String>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (answer.into(), Arc::clone(&requests));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                open.spawn(serve(connection, answer.clone(), then, Arc::clone(&seen)));
            }
        });
        Self { address, requests, _tasks: tasks }
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests that came, as they were written.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut connection: TcpStream, answer: String, then: Then, seen: Arc<Mutex<Vec<String>>>) {
    let request = request(&mut connection).await;
    seen.lock().unwrap().push(request);
    // Whoever has read enough hangs up.
    let _hung_up = connection.write_all(answer.as_bytes()).await;
    if matches!(then, Then::Hang) {
        std::future::pending::<()>().await;
    }
}

/// Reads a request whose body is as long as its head says.
async fn request(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        if connection.read_buf(&mut read).await.unwrap() == 0 {
            return text;
        }
    }
}
