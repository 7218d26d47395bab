//! Time that passes faster than it does: graces and waits of minutes are cut short, so that a run ends within its own.
//! What the engine does when they are over is untouched, and leases keep their length.

use super::stage::connect;
use crate::hosts::eventually;
use sqlx::{Connection as _, PgConnection};
use std::time::Duration;

/// Ends the waits between attempts, and lets the alarms of waiting jobs go off, for the fifty that are due longest: workers
/// get through as many meanwhile. With all of them, messages would pile up of jobs whose messages wait in the queue already.
/// Jobs that wait for a time of their own keep it.
const HURRY: &str = "
    with waiting as (
        select id, case when attempt > 0 then least(run_at, now()) else run_at end as due
        from jobs
        where state = 'available'
        order by due
        limit 50
        for no key update skip locked
    )
    update jobs set run_at = due, wake_at = greatest(due, now()) from waiting where jobs.id = waiting.id";

/// Ends the leases of attempts that have taken this long: for kinds whose leases are as long as the engine allows. An
/// attempt that is alive loses its job by that, which is one more thing that may happen to it.
const EXPIRE: &str = "
    with old as (
        select id from jobs
        where state = 'running' and started_at < now() - interval '12 s'
        order by id
        for no key update skip locked
    )
    update jobs set wake_at = now() from old where jobs.id = old.id";

/// Whose time is cut short.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hurry {
    /// Waiting jobs'.
    Waits,
    /// That of jobs that take long, too.
    WaitsAndLeases,
}

impl Hurry {
    async fn along(self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(HURRY).execute(&mut *db).await?;
        if self == Self::WaitsAndLeases {
            sqlx::query(EXPIRE).execute(db).await?;
        }
        Ok(())
    }
}

/// Hurries now and then, whatever state the server is in.
pub async fn hurry(url: &str, pause: Duration, what: Hurry) {
    loop {
        tokio::time::sleep(pause).await;
        let hurried = async {
            let mut db = PgConnection::connect(url).await?;
            what.along(&mut db).await
        };
        // The server is down now and then: that is what the run is about.
        tokio::time::timeout(Duration::from_secs(2), hurried).await.ok();
    }
}

/// Waits until every job is in a final state.
pub async fn drain(url: &str, limit: Duration, what: Hurry) {
    let mut db = connect(url).await;
    let mut looks = 0_u32;
    eventually("every job is in a final state", limit, async || {
        looks += 1;
        if looks.is_multiple_of(25) {
            what.along(&mut db).await.unwrap();
        }
        let unfinished = "select count(*) from jobs where finished_at is null";
        let unfinished: i64 = sqlx::query_scalar(unfinished).fetch_one(&mut db).await.unwrap();
        (unfinished == 0).then_some(())
    })
    .await;
}
