//! A small pool of connections. In place of sqlx's own, because that one asks each connection that comes back whether it
//! still lives: a round trip on every use. Here a connection that was left at rest is simply kept, one that was left in
//! the middle of something is brought to rest first, and one that failed is closed, whoever used it.
//!
//! Nothing here ticks: a frozen sandbox runs no timers, so ages are looked at when a connection is about to be used.

use super::connection::{Connection, Manager};
use futures_util::FutureExt as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, raw_sql};
use sqlx_core::transaction::TransactionManager as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout, timeout_at};

/// How long a caller waits for a connection, connecting included.
const PATIENCE: Duration = Duration::from_secs(4);

/// A connection that idled longer than this is asked whether it still lives before it is used: the server, a proxy or
/// a frozen sandbox may have lost it. Fresher ones are not asked, which saves a round trip on each request.
const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(30);

/// A connection that idled longer than this is not even asked.
const LONGEST_IDLE_TIME: Duration = Duration::from_mins(5);

/// A connection that lives longer than this is replaced, so that none outlives a failover or a new password for long.
const LONGEST_LIFE: Duration = Duration::from_mins(30);

/// The longest wait for an answer to "do you live?" or to a goodbye.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// The longest wait for the end of what a connection was left in the middle of: a statement may take as long as this.
const TIDYING_LIMIT: Duration = Duration::from_secs(25);

/// The longest wait for connections to come back before a sandbox freezes.
const SETTLING_LIMIT: Duration = Duration::from_secs(1);

/// The pause before a server is tried again that refused, because it starts, stops or has no place left.
pub(super) const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// Wrong while PostgreSQL starts or stops, or has no place left: soon it may be right.
const SOON: &[&str] = &["53300", "57P03"];

/// A connection, and how old it is.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) connection: PgConnection,
    born: Age,
}

#[derive(Debug)]
struct Idle {
    live: Live,
    since: Age,
}

/// How long ago something was, by the wall clock too: the other one stands still in a frozen sandbox.
#[derive(Clone, Copy, Debug)]
struct Age {
    monotonic: Instant,
    wall: SystemTime,
}

impl Age {
    fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    fn elapsed(self) -> Duration {
        self.monotonic.elapsed().max(self.wall.elapsed().unwrap_or_default())
    }
}

/// The pool; connections that are out hold on to it.
#[derive(Debug)]
pub(super) struct Pool {
    places: Arc<Semaphore>,
    options: Mutex<Arc<PgConnectOptions>>,
    /// The one that came back last is used first.
    idle: Mutex<Vec<Idle>>,
    /// Connections that are brought to rest.
    tidying: Mutex<JoinSet<()>>,
}

impl Pool {
    pub(super) fn new(size: u32, options: PgConnectOptions) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(Semaphore::MAX_PERMITS))),
            options: Mutex::new(Arc::new(options)),
            idle: Mutex::default(),
            tidying: Mutex::default(),
        })
    }

    /// Connects in another way from now on, and forgets the connections that wait.
    pub(super) fn set_options(&self, options: PgConnectOptions) {
        *lock(&self.options) = Arc::new(options);
        lock(&self.idle).clear();
    }

    /// Takes a connection that waits, or makes one.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<Connection, sqlx::Error> {
        let until = tokio::time::Instant::now() + PATIENCE;
        let place = match timeout_at(until, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(sqlx::Error::PoolClosed),
            Err(_) => return Err(sqlx::Error::PoolTimedOut),
        };
        loop {
            let waiting = lock(&self.idle).pop();
            let Some(idle) = waiting else { break };
            if let Some(live) = still_good(idle).await {
                return Ok(Connection::new(live, place, Arc::clone(self)));
            }
        }
        let live = self.connect(until).await?;
        Ok(Connection::new(live, place, Arc::clone(self)))
    }

    async fn connect(&self, until: tokio::time::Instant) -> Result<Live, sqlx::Error> {
        loop {
            let options = Arc::clone(&lock(&self.options));
            let Ok(connected) = timeout_at(until, options.connect()).await else {
                return Err(sqlx::Error::PoolTimedOut);
            };
            match connected {
                Ok(connection) => return Ok(Live { connection, born: Age::now() }),
                Err(error) if may_pass(&error) && tokio::time::Instant::now() + RECONNECT_PAUSE < until => {
                    sleep(RECONNECT_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a connection back, in whatever state it was left.
    pub(super) fn take_back(self: &Arc<Self>, mut live: Live, place: OwnedSemaphorePermit, in_transaction: bool) {
        if !in_transaction {
            // Ready at once when nothing is under way; then this sends nothing and waits for nothing.
            match live.connection.flush().now_or_never() {
                Some(Ok(())) => return self.keep(live),
                Some(Err(error)) => return self.lose(&error),
                None => {}
            }
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let pool = Arc::clone(self);
        let mut tidying = lock(&self.tidying);
        while tidying.try_join_next().is_some() {}
        tidying.spawn_on(async move { pool.tidy(live, place, in_transaction).await }, &runtime);
    }

    /// Waits for the answers that nobody waited for, and rolls back what nobody ended.
    async fn tidy(&self, mut live: Live, _place: OwnedSemaphorePermit, in_transaction: bool) {
        let rest = async {
            live.connection.flush().await?;
            // A beginning that nobody waited for was not counted.
            if in_transaction && !live.connection.is_in_transaction() {
                raw_sql("ROLLBACK").execute(&mut live.connection).await?;
            }
            while live.connection.is_in_transaction() {
                Manager::rollback(&mut live.connection).await?;
            }
            Ok(())
        };
        match timeout(TIDYING_LIMIT, rest).await {
            Ok(Ok(())) => self.keep(live),
            Ok(Err(error)) => self.lose(&error),
            // What runs there ends with its statement's time limit, and its locks go with it.
            Err(_) => {}
        }
    }

    fn keep(&self, live: Live) {
        if !self.places.is_closed() && live.born.elapsed() < LONGEST_LIFE {
            lock(&self.idle).push(Idle { live, since: Age::now() });
        }
    }

    /// A broken connection is seldom alone: those that wait have most likely lost the same server.
    fn lose(&self, error: &sqlx::Error) {
        let waiting = std::mem::take(&mut *lock(&self.idle));
        tracing::debug!(%error, waiting = waiting.len(), "A connection broke, those that wait are closed too");
    }

    /// Waits until no connection is being brought to rest; closes those that take longer than a second, and tells so.
    pub(super) async fn settle(&self) -> bool {
        let mut tidying = std::mem::take(&mut *lock(&self.tidying));
        let all = async { while tidying.join_next().await.is_some() {} };
        timeout(SETTLING_LIMIT, all).await.is_ok()
    }

    /// Closes the connections that wait, and each other one when it comes back.
    pub(super) async fn close(&self) {
        self.places.close();
        self.settle().await;
        let waiting = std::mem::take(&mut *lock(&self.idle));
        for idle in waiting {
            // Where the goodbye cannot be said, there is nobody left to hear it.
            let _unheard = timeout(ANSWER_LIMIT, idle.live.connection.close()).await;
        }
    }
}

/// Returns the connection if it may still be used.
async fn still_good(mut idle: Idle) -> Option<Live> {
    let idled = idle.since.elapsed();
    if idled > LONGEST_IDLE_TIME || idle.live.born.elapsed() > LONGEST_LIFE {
        return None;
    }
    if idled > TRUSTED_IDLE_TIME {
        let answer = timeout(ANSWER_LIMIT, idle.live.connection.ping()).await;
        if !matches!(answer, Ok(Ok(()))) {
            return None;
        }
    }
    Some(idle.live)
}

/// Tells whether connecting may work in a moment.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        error => error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| SOON.contains(&code.as_ref())),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
