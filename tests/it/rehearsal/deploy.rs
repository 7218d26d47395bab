//! A deploy under load, as `sam deploy` does it, and then its rollback: nobody notices.

use super::clients::{Clients, Told};
use super::fleet::{Alias, Fleet};
use super::source::Sources;
use super::stage::{Stage, token};
use crate::chaos::drain::{Hurry, drain};
use crate::chaos::processes::Part;
use crate::chaos::tally::Tally;
use crate::hosts::say;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::time::Duration;

/// Each part of the deploy takes this long, under load.
const PART: Duration = Duration::from_secs(4);

/// Clients, and so requests at once.
const CLIENTS: u32 = 3;

/// Batches at once, as `WorkerConcurrency`.
const BATCHES: u32 = 2;

/// What a release may do to the schema that is older than nobody's code: neither build of the rehearsal knows of it.
const LATER_MIGRATION: &str = "
    set local lock_timeout = '2s';
    alter table jobs add column rehearsal text;
    alter table tasks add column rehearsal text not null default 'none';
    alter table exports add column rehearsal jsonb;
    alter table users add column rehearsal int;
    create table rehearsals (id bigint primary key, job_id uuid references jobs (id) on delete cascade);
    insert into _sqlx_migrations (version, description, success, checksum, execution_time)
    values (29990101000000, 'expand for a later release', true, '', 0)";

/// One build of all functions.
struct Release {
    api: Fleet,
    worker: Fleet,
    scheduler: Fleet,
    migrate: Part,
}

impl Release {
    fn of(part: impl Fn(&'static str) -> Part) -> Self {
        Self {
            api: Fleet::new(part("api"), CLIENTS),
            worker: Fleet::new(part("worker"), BATCHES),
            scheduler: Fleet::new(part("scheduler"), 1),
            migrate: part("migrate"),
        }
    }

    /// What the custom resource of the stack does.
    async fn migrate(&self) -> Value {
        self.migrate.start().await.invoke(&json!({})).await.answer()
    }

    async fn leave(&self) {
        for fleet in [&self.api, &self.worker, &self.scheduler] {
            fleet.leave().await;
        }
    }

    fn requests(&self) -> u64 {
        self.api.past().invocations
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_and_its_rollback_fail_no_request_and_no_job() {
    let tally = Tally::default();
    let stage = Stage::new(100, &tally).await;
    let old = Release::of(|name| Part::older(name, stage.environment()));
    let new = Release::of(|name| Part::new(name, stage.environment()));
    let before = old.migrate().await;
    let (api, worker, scheduler) = (Alias::to(&old.api), Alias::to(&old.worker), Alias::to(&old.scheduler));
    let sources = Sources::start(&stage.queue, &worker, BATCHES, &scheduler, &tally);
    let mut clients = Clients::none();
    for _ in 0..CLIENTS {
        clients.join(&api, &token(stage.account().await, TimeDelta::zero()).await);
    }
    tokio::time::sleep(PART).await;

    let after = new.migrate().await;
    sqlx::raw_sql(LATER_MIGRATION).execute(&mut stage.db().await).await.unwrap();
    let alone = old.requests();
    api.shift(&[(80, &old.api), (20, &new.api)]);
    worker.shift(&[(80, &old.worker), (20, &new.worker)]);
    tokio::time::sleep(PART).await;
    let canary = (old.requests() - alone, new.requests());
    api.shift(&[(1, &new.api)]);
    worker.shift(&[(1, &new.worker)]);
    scheduler.shift(&[(1, &new.scheduler)]);
    old.leave().await;
    let left = old.requests();
    tokio::time::sleep(PART).await;
    let alone_again = old.requests() - left;
    let back = old.migrate().await;
    api.shift(&[(1, &old.api)]);
    worker.shift(&[(1, &old.worker)]);
    scheduler.shift(&[(1, &old.scheduler)]);
    new.leave().await;
    tokio::time::sleep(PART).await;

    let told = clients.end().await;
    drain(&stage.url(), Duration::from_mins(1), Hurry::Waits).await;
    sources.end().await;
    say(&format!(
        "rehearsal of a deploy: {} requests ({} + {} in the canary), {} jobs, schema {} to {}, {} migrations at the rollback, \
         {} and {} sandboxes; {} failures:{tally}",
        told.requests,
        canary.0,
        canary.1,
        told.jobs.len(),
        before["version"],
        after["version"],
        back["applied"],
        old.api.past().sandboxes + old.worker.past().sandboxes,
        new.api.past().sandboxes + new.worker.past().sandboxes,
        told.failures.len(),
    ));
    assert!(told.failures.is_empty(), "{:#?}", told.failures);
    assert!(canary.0 > canary.1 && canary.1 > 0, "{canary:?}");
    assert_eq!(alone_again, 0, "the old build still got requests");
    assert_eq!(back["applied"], 0);
    judge(&stage, &told, &tally).await;
}

/// Insists that everything happened that clients were told of, and once.
pub async fn judge(stage: &Stage, told: &Told, tally: &Tally) {
    let db = &mut stage.db().await;
    let count = async |db: &mut PgConnection, select: &'static str| -> u64 {
        let counted: i64 = sqlx::query_scalar(select).bind(&told.jobs).fetch_one(db).await.unwrap();
        counted.unsigned_abs()
    };
    let jobs = told.jobs.len() as u64;

    assert!(jobs > 0 && told.tasks > 0);
    assert_eq!(count(db, "select count(*) from tasks where $1::text[] is not null").await, told.tasks);
    let done = "select count(*) from jobs where id = any($1::uuid[]) and state = 'succeeded'";
    assert_eq!(count(db, done).await, jobs, "jobs that were accepted have succeeded");
    let exports = "select count(*) from exports where job_id = any($1::uuid[])";
    assert_eq!(count(db, exports).await, jobs, "each export is there");
    assert_eq!(count(db, "select count(*) from exports where $1::text[] is not null").await, jobs, "and none besides");
    let failed = "select count(*) from jobs where $1::text[] is not null and state <> 'succeeded'";
    assert_eq!(count(db, failed).await, 0, "jobs that did not succeed");
    let keys: Vec<String> = sqlx::query_scalar("select object_key from exports").fetch_all(db).await.unwrap();
    for key in keys {
        assert!(stage.export(&key).is_file(), "{key} is not there");
    }
    for trouble in ["batches without an answer", "ticks without an answer", "messages that batches could not settle"] {
        assert_eq!(tally.of(trouble), 0, "{trouble}");
    }
}
