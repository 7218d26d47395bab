//! A relay in front of a server, which can be cut: a queue that is gone, and comes back.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A running relay.
pub struct Relay {
    port: u16,
    is_cut: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Starts a relay on a free loopback port in front of the server at `upstream`.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_cut = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, upstream, is_cut.clone()));
        Self { port, is_cut, _tasks: tasks }
    }

    /// The port it listens on, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection and closes new ones at once, until told otherwise.
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, is_cut: watch::Sender<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut cut = is_cut.subscribe();
        connections.spawn(async move {
            let relay = async {
                let mut server = TcpStream::connect(upstream).await.unwrap();
                // A connection that breaks is seen by the client; there is nobody else to tell.
                copy_bidirectional(&mut client, &mut server).await.ok();
            };
            tokio::select! {
                biased;
                _ = cut.wait_for(|cut| *cut) => {}
                () = relay => {}
            }
        });
    }
}
