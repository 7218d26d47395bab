//! The schema itself: applied once, in order, whoever else is at it.

use super::{empty_database, latest, migrations};
use crate::support::postgres;
use ::migrate::{Applied, apply};
use shared::migrations::MIGRATOR;
use sqlx::Connection as _;

#[tokio::test]
async fn two_at_once_take_turns_and_both_succeed() {
    let url = empty_database().await;
    let (a, b) = (postgres::handle(&url, 1), postgres::handle(&url, 1));

    let (a, b) = tokio::join!(apply(&a), apply(&b));

    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!((a.version, b.version), (latest(), latest()));
    assert_eq!(recorded(&url).await, migrations());
    assert_eq!(a.applied + b.applied, migrations());
}

#[tokio::test]
async fn a_second_time_applies_nothing() {
    let url = empty_database().await;
    let db = postgres::handle(&url, 1);

    let first = apply(&db).await.unwrap();
    let second = apply(&db).await.unwrap();

    assert_eq!(first, Applied { applied: migrations(), version: latest() });
    assert_eq!(second, Applied { applied: 0, version: latest() });
}

/// What a rollback meets: the code is the older one, the schema stays.
#[tokio::test]
async fn a_migration_of_a_newer_build_is_left_alone() {
    let url = empty_database().await;
    let db = postgres::handle(&url, 1);
    apply(&db).await.unwrap();
    let mut connection = postgres::connect(&url).await;
    postgres::run(&mut connection, "alter table tasks add column colour text").await;
    postgres::run(
        &mut connection,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (99990101000000, 'add colour', true, '\\x00', 1)",
    )
    .await;

    let again = apply(&db).await.unwrap();

    assert_eq!(again, Applied { applied: 0, version: latest() });
    assert_eq!(recorded(&url).await, migrations() + 1);
}

#[tokio::test]
async fn a_migration_that_fails_keeps_the_ones_before_and_goes_on_later() {
    let url = empty_database().await;
    let db = postgres::handle(&url, 1);
    let mut connection = postgres::connect(&url).await;
    postgres::run(&mut connection, "create table jobs (in_the_way int)").await;

    let failed = apply(&db).await.unwrap_err();
    let kept = recorded(&url).await;
    postgres::run(&mut connection, "drop table jobs").await;
    let later = apply(&db).await.unwrap();

    assert!(format!("{:#}", anyhow::Error::new(failed)).contains("\"jobs\" already exists"));
    assert!((1..migrations()).contains(&kept), "{kept}");
    assert_eq!(later.applied, migrations() - kept);
}

/// A migration that has landed is what somebody's database was made with.
#[tokio::test]
async fn a_migration_that_was_edited_after_it_was_applied_is_refused() {
    let url = empty_database().await;
    let db = postgres::handle(&url, 1);
    apply(&db).await.unwrap();
    let mut connection = postgres::connect(&url).await;
    postgres::run(&mut connection, "update _sqlx_migrations set checksum = '\\x00'").await;
    connection.close().await.unwrap();

    let error = apply(&db).await.unwrap_err();

    assert!(format!("{:#}", anyhow::Error::new(error)).contains("has been modified"));
}

/// A lock that cannot be had must fail the deploy, not the service that holds it.
#[test]
fn every_migration_first_says_how_long_it_waits_for_locks() {
    for migration in MIGRATOR.iter() {
        let sql = migration.sql.as_str();

        assert!(sql.starts_with("set lock_timeout = "), "{}: {sql}", migration.description);
        let (date, version) = (20_261_121_000_000..30_000_000_000_000, migration.version);
        assert!(date.contains(&version), "{version} is no date and time");
    }
}

async fn recorded(url: &str) -> usize {
    let query = sqlx::query_scalar::<_, i64>("select count(*) from _sqlx_migrations where success");
    query.fetch_one(&mut postgres::connect(url).await).await.unwrap().try_into().unwrap()
}
