//! The pool: what its connections cost, and what they survive.

mod roots;

use crate::support::pg_proxy::PgProxy;
use crate::support::postgres;
use shared::db::Db;
use sqlx::Connection as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

#[tokio::test]
async fn a_connection_that_comes_back_is_asked_nothing() {
    let (proxy, db) = behind_proxy(1).await;
    number(&db).await;
    proxy.reset();

    for _ in 0..3 {
        number(&db).await;
    }

    db.settle().await;
    assert_eq!(proxy.round_trips(), 3, "{:#?}", proxy.statements());
}

#[tokio::test]
async fn a_transaction_costs_its_beginning_and_its_end() {
    let (proxy, db) = behind_proxy(1).await;
    number(&db).await;
    proxy.reset();

    let mut tx = db.begin().await.unwrap();
    sqlx::query("select 1").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();

    db.settle().await;
    assert_eq!(proxy.statements(), ["BEGIN", "select 1", "COMMIT"]);
    assert_eq!(proxy.round_trips(), 3);
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_its_connection_used_again() {
    let (proxy, db) = behind_proxy(1).await;
    let mut tx = db.begin().await.unwrap();
    sqlx::query("create table left_behind ()").execute(&mut *tx).await.unwrap();
    let session = session(&mut tx).await;

    drop(tx);
    db.settle().await;

    assert_eq!(proxy.statements().last().map(String::as_str), Some("ROLLBACK"));
    let mut connection = db.acquire().await.unwrap();
    assert_eq!(self::session(&mut connection).await, session);
    let there: bool =
        sqlx::query_scalar("select to_regclass('left_behind') is not null").fetch_one(&mut *connection).await.unwrap();
    assert!(!there);
}

/// What enqueues jobs with a key does so in a transaction of its own, whatever the caller has begun.
#[tokio::test]
async fn a_transaction_within_another_ends_with_it() {
    let (_proxy, db) = behind_proxy(1).await;
    let mut tx = db.begin().await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    sqlx::query("create table left_behind ()").execute(&mut *inner).await.unwrap();
    inner.commit().await.unwrap();

    tx.rollback().await.unwrap();

    assert!(!is_there(&db, "left_behind").await);
}

#[tokio::test]
async fn a_beginning_that_nobody_waited_for_is_taken_back() {
    let (proxy, db) = behind_proxy(1).await;
    number(&db).await;
    proxy.hold_up("BEGIN", Duration::from_millis(300));
    assert!(tokio::time::timeout(Duration::from_millis(100), db.begin()).await.is_err());

    let mut connection = db.acquire().await.unwrap();
    sqlx::query("create table made_alone ()").execute(&mut *connection).await.unwrap();
    drop(connection);
    proxy.cut_all();

    assert!(try_number(&db).await.is_err(), "the connection is cut, and an open transaction would be gone with it");
    assert!(is_there(&db, "made_alone").await);
}

#[tokio::test]
async fn a_statement_nobody_waits_for_does_not_reach_the_next_user() {
    let (_proxy, db) = behind_proxy(1).await;
    let mut connection = db.acquire().await.unwrap();
    let slow = sqlx::query("select 7 from pg_sleep(0.3)").execute(&mut *connection);
    assert!(tokio::time::timeout(Duration::from_millis(100), slow).await.is_err());

    drop(connection);

    assert_eq!(number(&db).await, 1);
    db.settle().await;
}

#[tokio::test]
async fn after_a_connection_broke_those_that_wait_are_replaced_too() {
    let (proxy, db) = behind_proxy(3).await;
    let three = [db.acquire().await.unwrap(), db.acquire().await.unwrap(), db.acquire().await.unwrap()];
    drop(three);

    proxy.cut_all();

    assert!(try_number(&db).await.is_err(), "a connection that just came back is trusted");
    for _ in 0..3 {
        assert_eq!(number(&db).await, 1);
    }
}

#[tokio::test]
async fn a_pool_has_no_more_connections_than_it_may() {
    let (_proxy, db) = behind_proxy(2).await;
    let _one = db.acquire().await.unwrap();
    let other = db.acquire().await.unwrap();

    let third = db.acquire();
    tokio::pin!(third);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut third).await.is_err());
    drop(other);

    assert!(third.await.is_ok());
}

#[tokio::test]
async fn a_closed_pool_lends_nothing_and_leaves_no_session() {
    let url = postgres::database().await;
    let db = postgres::handle(&url, 2);
    let mut connection = db.acquire().await.unwrap();
    let out = session(&mut connection).await;
    let waiting = session(&mut db.acquire().await.unwrap()).await;
    let mut observer = postgres::connect(&url).await;

    db.close().await;
    drop(connection);

    assert!(db.acquire().await.is_err());
    loop {
        let left: i64 = sqlx::query_scalar("select count(*) from pg_stat_activity where pid = any($1)")
            .bind([out, waiting])
            .fetch_one(&mut observer)
            .await
            .unwrap();
        if left == 0 {
            break;
        }
    }
}

/// A pool whose traffic is counted, and can be cut.
async fn behind_proxy(size: u32) -> (PgProxy, Db) {
    let url = postgres::database().await;
    let proxy = PgProxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, postgres::server().port()))).await;
    let db = postgres::handle(&proxy.url(&url), size);
    (proxy, db)
}

async fn try_number(db: &Db) -> anyhow::Result<i32> {
    let mut connection = db.acquire().await?;
    Ok(sqlx::query_scalar("select 1").fetch_one(&mut *connection).await?)
}

async fn number(db: &Db) -> i32 {
    try_number(db).await.unwrap()
}

async fn is_there(db: &Db, table: &str) -> bool {
    let mut connection = db.acquire().await.unwrap();
    let there = sqlx::query_scalar("select to_regclass($1) is not null").bind(table);
    there.fetch_one(&mut *connection).await.unwrap()
}

/// The server's process behind a connection.
async fn session(connection: &mut sqlx::PgConnection) -> i32 {
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await.unwrap()
}
