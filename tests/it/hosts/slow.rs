//! Tasks, and a database that takes its time to read them: so that a test meets jobs that are under way.

use crate::support::postgres;
use shared::ids::OwnerId;
use sqlx::{AssertSqlSafe, PgConnection};

/// Writes tasks past the API.
pub async fn write_tasks(db: &mut PgConnection, owner: OwnerId, count: i32) {
    let written = sqlx::query(
        "insert into tasks (
             id, owner_id, title, description, status, priority, tags, due_at, created_at, updated_at, version
         )
         select
             gen_random_uuid(), $1, 'Task number ' || number, repeat('So much to do, and so little time. ', 6), 'open',
             number % 10, array['home', 'garden'], now() + make_interval(hours => number), now(), now(), 1
         from generate_series(1, $2) as number",
    )
    .bind(owner)
    .bind(count)
    .execute(db)
    .await
    .unwrap();
    assert_eq!(written.rows_affected(), u64::try_from(count).unwrap());
}

/// Lets every statement that reads tasks take this much longer.
pub async fn slow_down(db: &mut PgConnection, seconds: f64) {
    let view = format!(
        "alter table tasks rename to real_tasks;
         create view tasks as select * from real_tasks where (select pg_sleep({seconds})) is not null"
    );
    // Two statements in one message are one transaction: nobody meets a database without tasks.
    sqlx::raw_sql(AssertSqlSafe(view)).execute(db).await.unwrap();
}

/// Takes [`slow_down`] back.
pub async fn speed_up(db: &mut PgConnection) {
    postgres::run(db, "create or replace view tasks as select * from real_tasks").await;
}
