//! A sandbox that was frozen: what broke meanwhile is noticed, and repaired.

use super::{Stack, sample};
use crate::support::pg_proxy::PgProxy;
use crate::support::postgres;
use crate::support::runtime_api::Sandbox;
use serde_json::{Value, json};
use shared::ids::JobId;

/// A stack whose functions reach the database through a proxy.
async fn proxied() -> (Stack, PgProxy) {
    let stack = Stack::new().await;
    let (_, address) = stack.url.rsplit_once('@').unwrap();
    let proxy = PgProxy::start(address.split('/').next().unwrap().parse().unwrap()).await;
    let url = proxy.url(&stack.url);
    (stack.with("DATABASE_URL", &url), proxy)
}

async fn list_tasks(api: &mut Sandbox, token: &str) -> Value {
    let mut event = sample("api-get-tasks.json");
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    api.invoke(&event).await.answer()["statusCode"].clone()
}

#[tokio::test]
async fn connections_that_were_cut_meanwhile_cost_one_503_at_most() {
    let (stack, proxy) = proxied().await;
    let (_, token) = stack.account().await;
    let mut api = stack.start("api").await;
    assert_eq!(list_tasks(&mut api, &token).await, 200);
    api.idle().await;

    api.freeze();
    proxy.cut_all();
    api.thaw();

    let first = list_tasks(&mut api, &token).await;
    assert!(first == 200 || first == 503, "{first}");
    for _ in 0..3 {
        assert_eq!(list_tasks(&mut api, &token).await, 200);
    }
}

#[tokio::test]
async fn a_database_that_comes_back_is_used_again() {
    let (stack, proxy) = proxied().await;
    let (_, token) = stack.account().await;
    let mut api = stack.start("api").await;
    proxy.refuse(true);

    let down = list_tasks(&mut api, &token).await;
    let live = api.invoke(&sample("api-get-live.json")).await.answer()["statusCode"].clone();
    proxy.refuse(false);
    let up = list_tasks(&mut api, &token).await;

    assert_eq!((down, live, up), (503.into(), 200.into(), 200.into()));
}

#[tokio::test]
async fn a_worker_whose_connections_were_cut_while_it_was_frozen_loses_nothing() {
    let (stack, proxy) = proxied().await;
    let (owner, _) = stack.account().await;
    let mut db = stack.db().await;
    let mut worker = stack.start("worker").await;
    let before = stack.enqueue_export(owner).await;
    worker.invoke(&batch_of(before)).await.answer();
    worker.idle().await;

    worker.freeze();
    proxy.cut_all();
    worker.thaw();

    // A claim that fails is delivered again, an attempt that fails is tried again: here without the waits.
    let after = stack.enqueue_export(owner).await;
    let mut deliveries = 0;
    while stack.job(after).await.0 == "available" && deliveries < 3 {
        postgres::run(&mut db, "update jobs set run_at = now() where state = 'available'").await;
        worker.invoke(&batch_of(after)).await.answer();
        deliveries += 1;
    }

    assert_eq!(stack.job(before).await, ("succeeded".to_owned(), 1, 1));
    let (state, attempt, exports) = stack.job(after).await;
    assert_eq!((state.as_str(), exports), ("succeeded", 1));
    assert!(attempt <= 2, "{attempt}");
}

fn batch_of(job: JobId) -> Value {
    json!({ "Records": [{ "messageId": "1", "body": json!({ "job": job }).to_string() }] })
}
