//! `scheduler`: a tick in, counts out.

use super::{Stack, sample};
use crate::support::postgres;
use serde_json::{Value, json};

#[tokio::test]
async fn a_tick_says_what_it_did() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let mut db = stack.db().await;
    let (due, abandoned, exhausted) =
        (stack.enqueue_export(owner).await, stack.enqueue_export(owner).await, stack.enqueue_export(owner).await);
    stack.enqueue_export(owner).await;
    postgres::run(&mut db, &format!("update jobs set wake_at = now() where id = '{due}'")).await;
    for (job, attempt) in [(abandoned, "1"), (exhausted, "max_attempts")] {
        let claim = format!(
            "update jobs set state = 'running', attempt = {attempt}, epoch = 1, started_at = now(), wake_at = now()
             where id = '{job}'"
        );
        postgres::run(&mut db, &claim).await;
    }
    let mut scheduler = stack.start("scheduler").await;

    let first = scheduler.invoke(&sample("scheduler-tick.json")).await.answer();
    let second = scheduler.invoke(&sample("scheduler-tick.json")).await.answer();

    assert_eq!(first, json!({ "notified": 2, "rescued": 1, "exhausted": 1, "cancelled": 0, "scheduled": 0 }));
    // A schedule that was new in the first tick may be due in the second: it depends on the time of day.
    let made = second["scheduled"].as_u64().unwrap();
    assert_eq!(second, json!({ "notified": 0, "rescued": 0, "exhausted": 0, "cancelled": 0, "scheduled": made }));
    let written: Vec<String> = sqlx::query_scalar("select name from schedules").fetch_all(&mut db).await.unwrap();
    assert_eq!(written, ::scheduler::declared().iter().map(::scheduler::Schedule::name).collect::<Vec<_>>());
    assert_eq!(stack.job(abandoned).await.0, "available");
    assert_eq!(stack.job(exhausted).await.0, "failed");
}

#[tokio::test]
async fn an_operator_gets_an_answer_and_no_tick() {
    let stack = Stack::new().await;
    let mut scheduler = stack.start("scheduler").await;

    let answer = scheduler.invoke(&sample("scheduler-jobs.json")).await.answer();

    assert_eq!(answer, json!({ "done": { "jobs": [], "has_more": false } }));
    let written: i64 =
        sqlx::query_scalar("select count(*) from schedules").fetch_one(&mut stack.db().await).await.unwrap();
    assert_eq!(written, 0, "the first tick writes the schedules");
}

#[tokio::test]
async fn the_first_tick_writes_the_metrics_of_the_queue() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    stack.enqueue_export(owner).await;
    let mut scheduler = stack.start("scheduler").await;

    scheduler.invoke(&sample("scheduler-tick.json")).await.answer();

    let lines: Vec<Value> = scheduler.output().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let metrics: Vec<&Value> = lines.iter().filter(|line| line["_aws"].is_object()).collect();
    assert_eq!(metrics.len(), 1, "{lines:#?}");
    assert_eq!((&metrics[0]["JobsDue"], &metrics[0]["log_type"]), (&json!(1), &json!("metric")));
}

#[tokio::test]
async fn without_a_database_the_tick_fails_and_the_next_one_works() {
    let stack = Stack::new().await;
    let (host, _) = stack.url.rsplit_once('/').unwrap();
    let proxy = crate::support::pg_proxy::PgProxy::start(host.rsplit_once('@').unwrap().1.parse().unwrap()).await;
    let stack = {
        let url = proxy.url(&stack.url);
        stack.with("DATABASE_URL", &url)
    };
    let mut scheduler = stack.start("scheduler").await;
    proxy.refuse(true);

    let failed = scheduler.invoke(&sample("scheduler-tick.json")).await;
    proxy.refuse(false);
    let next = scheduler.invoke(&sample("scheduler-tick.json")).await;

    assert!(matches!(failed, crate::support::runtime_api::Invocation::Error(_)), "{failed:?}");
    assert_eq!(next.answer()["notified"], 0);
}
