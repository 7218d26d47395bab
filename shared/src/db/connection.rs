//! What the pool lends: a connection, and a transaction on one.

use super::pool::{Live, Pool};
use sqlx::{Database, PgConnection, Postgres};
use sqlx_core::transaction::TransactionManager as _;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// sqlx counts the transactions of a connection, so that one within another is a savepoint: each begin and end goes through
/// this.
pub(super) type Manager = <Postgres as Database>::TransactionManager;

/// A connection of the pool; it goes back when it is dropped.
#[derive(Debug)]
pub struct Connection {
    /// There until the drop.
    lent: Option<(Live, OwnedSemaphorePermit)>,
    /// A transaction was begun, and is not known to be over.
    in_transaction: bool,
    pool: Arc<Pool>,
}

/// A transaction on a connection of the pool; rolled back when it is dropped.
#[derive(Debug)]
pub struct Tx {
    connection: Connection,
}

impl Connection {
    pub(super) fn new(live: Live, place: OwnedSemaphorePermit, pool: Arc<Pool>) -> Self {
        Self { lent: Some((live, place)), in_transaction: false, pool }
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.lent {
            Some((live, _)) => &live.connection,
            None => unreachable!("a connection is lent until it is dropped"),
        }
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.lent {
            Some((live, _)) => &mut live.connection,
            None => unreachable!("a connection is lent until it is dropped"),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some((live, place)) = self.lent.take() {
            self.pool.take_back(live, place, self.in_transaction);
        }
    }
}

impl Tx {
    pub(super) async fn begin(connection: Connection) -> Result<Self, sqlx::Error> {
        let mut tx = Self { connection };
        tx.connection.in_transaction = true;
        Manager::begin(&mut tx.connection, None).await?;
        Ok(tx)
    }

    /// Commits.
    ///
    /// # Errors
    /// When PostgreSQL refuses, which rolls back, or its answer is lost, after which either may have happened.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        Manager::commit(&mut self.connection).await?;
        self.connection.in_transaction = false;
        Ok(())
    }

    /// Rolls back, and waits until that is done.
    ///
    /// # Errors
    /// When the connection is lost; then PostgreSQL rolls back by itself.
    pub async fn rollback(mut self) -> Result<(), sqlx::Error> {
        Manager::rollback(&mut self.connection).await?;
        self.connection.in_transaction = false;
        Ok(())
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
