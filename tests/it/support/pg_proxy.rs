//! A proxy in front of PostgreSQL that counts what is sent, and cuts connections or holds statements
//! up where a test says so.
//!
//! It speaks the protocol without TLS: a client that asks for encryption is told there is none.

mod connection;
mod messages;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// A running proxy; dropping it cuts every connection.
pub struct PgProxy {
    port: u16,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// What strikes a statement.
#[derive(Clone, Copy)]
enum Fault {
    SwallowAnswer,
    CutBefore,
    HoldUp(Duration),
}

/// Which statement is struck.
enum Target {
    Commit,
    Containing(String),
}

struct Shared {
    ledger: Mutex<Ledger>,
    faults: Mutex<Vec<(Target, Fault)>>,
    refusing: AtomicBool,
    refused: AtomicUsize,
    cuts: watch::Sender<()>,
}

#[derive(Default)]
struct Ledger {
    statements: Vec<String>,
    round_trips: usize,
}

impl PgProxy {
    /// Starts a proxy on a free loopback port in front of the server at `upstream`.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            ledger: Mutex::default(),
            faults: Mutex::default(),
            refusing: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
            cuts: watch::Sender::new(()),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, upstream, Arc::clone(&shared)));

        Self { port, shared, _tasks: tasks }
    }

    /// The same connection URL, led through the proxy.
    pub fn url(&self, original_url: &str) -> String {
        let (scheme, rest) = original_url.split_once("://").unwrap();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let user = authority.rsplit_once('@').map_or(String::new(), |(user, _)| format!("{user}@"));
        // These would win over the host and port of the URL.
        let parameters: Vec<&str> = query
            .split('&')
            .filter(|pair| {
                let name = pair.split('=').next().unwrap();
                !["", "host", "hostaddr", "port"].contains(&name)
            })
            .collect();
        let query = parameters.join("&");
        let separator = if query.is_empty() { "" } else { "?" };

        format!("{scheme}://{user}127.0.0.1:{}/{database}{separator}{query}", self.port)
    }

    /// The SQL of each statement that was run since the last reset, `BEGIN` and `COMMIT` included,
    /// over all connections.
    pub fn statements(&self) -> Vec<String> {
        self.shared.ledger.lock().unwrap().statements.clone()
    }

    /// How often a client waited for the server since the last reset: simple queries and `Sync`
    /// messages.
    ///
    /// A statement's first use on a connection takes two (it is prepared first), a ping of the pool
    /// takes one without a statement, opening a connection is not counted: warm up before a budget
    /// is measured.
    pub fn round_trips(&self) -> usize {
        self.shared.ledger.lock().unwrap().round_trips
    }

    /// Forgets what was counted so far.
    pub fn reset(&self) {
        *self.shared.ledger.lock().unwrap() = Ledger::default();
    }

    /// Lets the server finish the next `COMMIT`, then cuts both sides: the client never learns that
    /// it succeeded.
    pub fn swallow_next_commit_answer(&self) {
        self.arm(Target::Commit, Fault::SwallowAnswer);
    }

    /// Cuts both sides in place of the next `COMMIT`: the server rolls back.
    pub fn cut_before_next_commit(&self) {
        self.arm(Target::Commit, Fault::CutBefore);
    }

    /// Lets the server finish the next statement whose text contains `needle`, then cuts both
    /// sides.
    pub fn swallow_answer_of(&self, needle: &str) {
        self.arm(Target::Containing(needle.to_owned()), Fault::SwallowAnswer);
    }

    /// Cuts both sides in place of the next statement whose text contains `needle`: the server never sees it.
    pub fn cut_before(&self, needle: &str) {
        self.arm(Target::Containing(needle.to_owned()), Fault::CutBefore);
    }

    /// Holds the next statement up whose text contains `needle`, before the server sees it.
    pub fn hold_up(&self, needle: &str, delay: Duration) {
        self.arm(Target::Containing(needle.to_owned()), Fault::HoldUp(delay));
    }

    /// Takes back the faults that have not struck, and says how many these were: a test that
    /// expects them all to have struck asserts on zero.
    pub fn disarm(&self) -> usize {
        self.shared.faults.lock().unwrap().drain(..).count()
    }

    /// Plays a database that is gone: existing connections are cut, new ones closed at once, until
    /// told otherwise.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refusing.store(refuse, Ordering::SeqCst);
        if refuse {
            self.cut_all();
        }
    }

    /// How many connections were refused so far.
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Cuts every connection there is; new ones are served.
    pub fn cut_all(&self) {
        self.shared.cuts.send_replace(());
    }

    fn arm(&self, target: Target, fault: Fault) {
        self.shared.faults.lock().unwrap().push((target, fault));
    }
}

impl Shared {
    /// Counts a statement, and takes the fault that is to strike it.
    fn note_statement(&self, statement: String) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let struck = faults.iter().position(|(target, _)| target.matches(&statement));
        self.ledger.lock().unwrap().statements.push(statement);
        struck.map(|index| faults.remove(index).1)
    }

    fn note_round_trip(&self) {
        self.ledger.lock().unwrap().round_trips += 1;
    }
}

impl Target {
    fn matches(&self, statement: &str) -> bool {
        match self {
            Self::Commit => {
                statement.trim_matches(|c: char| c.is_whitespace() || c == ';').eq_ignore_ascii_case("commit")
            }
            Self::Containing(needle) => statement.contains(needle),
        }
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        // Subscribed before the flag is read, so that no connection slips between the flag and the
        // cut.
        let mut cut = shared.cuts.subscribe();
        if shared.refusing.load(Ordering::SeqCst) {
            shared.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // A connection that breaks is seen by the client; there is nobody else to tell.
            tokio::select! {
                _ = connection::relay(client, upstream, &shared) => {}
                _ = cut.changed() => {}
            }
        });
    }
}
