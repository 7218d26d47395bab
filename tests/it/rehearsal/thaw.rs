//! Sandboxes that were frozen for an hour, and whose connections did not last as long.

use super::clients::request;
use super::stage::{Stage, connections, token};
use super::vault::Vault;
use crate::binaries::enqueue_export;
use crate::chaos::processes::Part;
use crate::chaos::skew::long_freezes;
use crate::chaos::tally::Tally;
use crate::hosts::{eventually, say};
use crate::support::postgres;
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::ids::JobId;
use shared::migrations::MIGRATOR;
use sqlx::PgConnection;
use std::time::{Duration, Instant};

/// How long each freeze seems to take.
const HOUR: Duration = Duration::from_hours(1);

/// What the first answer after a freeze may take: it connects anew.
const PROMPTLY: Duration = Duration::from_secs(5);

/// What an invocation may take on AWS.
const TIMEOUT: Duration = Duration::from_secs(29);

/// How the server gets rid of connections.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// An administrator, a restart, a failover.
    Terminate,
    /// `idle_session_timeout`, as for a database that is to fall asleep.
    IdleTimeout,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_hour_of_frost_the_next_request_is_answered_whatever_became_of_its_connection() {
    let Some(clocks) = long_freezes(HOUR.as_secs().try_into().unwrap()) else {
        return say("NOT TRIED: rehearsal::thaw: only Linux has clocks that can be moved");
    };
    let stage = Stage::new(60, &Tally::default()).await;
    let Some(vault) = Vault::open(&stage).await else { return };
    let mut db = stage.db().await;
    MIGRATOR.run(&mut db).await.unwrap();
    let owner = stage.account().await;
    let environment = || vault.environment().into_iter().chain(clocks.clone());

    for cut in [Cut::Terminate, Cut::IdleTimeout] {
        let mut api = Part::new("api", environment()).start().await;
        let mut worker = Part::new("worker", environment()).start().await;
        if matches!(cut, Cut::IdleTimeout) {
            postgres::run(&mut db, "alter database errand set idle_session_timeout = '700ms'").await;
        }
        let list = async |later| request("GET", "/v1/tasks", &token(owner, later).await, &Value::Null);
        assert_eq!(api.invoke(&list(TimeDelta::zero()).await).await.answer()["statusCode"], 200);
        let first = enqueue_export(&mut db, owner).await;
        worker.invoke(&batch_of(first)).await.answer();
        api.idle().await;
        worker.idle().await;
        assert!(connections(&mut db).await >= 2);

        api.freeze();
        worker.freeze();
        if matches!(cut, Cut::Terminate) {
            let terminate = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'errand'";
            postgres::run(&mut db, terminate).await;
        }
        eventually("the server has cut every connection", Duration::from_secs(10), async || {
            (connections(&mut db).await == 0).then_some(())
        })
        .await;
        api.thaw();
        worker.thaw();

        // Lambda names deadlines by its own clock, which went on.
        let (mut api, mut worker) = (api.deadline(HOUR + TIMEOUT), worker.deadline(HOUR + TIMEOUT));
        let thawed = Instant::now();
        let later = TimeDelta::from_std(HOUR).unwrap();
        let answer = tokio::time::timeout(PROMPTLY, api.invoke(&list(later).await)).await;
        assert_eq!(answer.expect("no answer after a thaw").answer()["statusCode"], 200, "{cut:?}");
        let api_took = thawed.elapsed();
        let second = enqueue_export(&mut db, owner).await;
        let answer = tokio::time::timeout(PROMPTLY, worker.invoke(&batch_of(second))).await;
        assert_eq!(answer.expect("no answer after a thaw").answer(), json!({ "batchItemFailures": [] }), "{cut:?}");
        for job in [first, second] {
            assert_eq!(outcome(&mut db, job).await, ("succeeded".to_owned(), 1), "{cut:?}");
        }
        say(&format!("rehearsal of a thaw, {cut:?}: first request answered after {api_took:.0?}"));
    }
}

async fn outcome(db: &mut PgConnection, job: JobId) -> (String, i32) {
    let select = "select state, attempt from jobs where id = $1";
    sqlx::query_as(select).bind(job).fetch_one(db).await.unwrap()
}

fn batch_of(job: JobId) -> Value {
    json!({ "Records": [{ "messageId": "1", "body": json!({ "job": job }).to_string() }] })
}
