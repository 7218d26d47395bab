//! What requests may cost: the statements between a request and its answer, each of them one round trip.

use crate::support::pg_proxy::PgProxy;
use crate::support::{TestApp, postgres};
use ::api::AppState;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use shared::db::Db;
use shared::jobs::{Notifier, PostgresNotifier};
use tower::ServiceExt as _;

#[tokio::test]
async fn a_task_is_read_in_one_round_trip() {
    let api = Measured::start().await;
    let task = api.send(Method::POST, "/v1/tasks", Some(json!({ "title": "Nap" }))).await;
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());

    let statements = api.cost(Method::GET, &path, None).await;

    assert_eq!(statements.len(), 1, "{statements:#?}");
}

#[tokio::test]
async fn a_page_of_tasks_is_read_in_one_round_trip() {
    let api = Measured::start().await;
    for _ in 0..3 {
        api.send(Method::POST, "/v1/tasks", Some(json!({ "title": "Nap" }))).await;
    }
    let first = api.send(Method::GET, "/v1/tasks?limit=1", None).await;
    let second = format!("/v1/tasks?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());

    for path in ["/v1/tasks", "/v1/tasks?limit=100&status=open&priority=0&q=a", &second] {
        let statements = api.cost(Method::GET, path, None).await;

        assert_eq!(statements.len(), 1, "{path}: {statements:#?}");
    }
}

#[tokio::test]
async fn jobs_are_read_in_one_round_trip() {
    let api = Measured::start().await;
    let job = api.send(Method::POST, "/v1/exports", Some(json!({ "format": "csv" }))).await;
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());

    for path in ["/v1/jobs", "/v1/jobs?limit=1", "/v1/jobs?kind=export_tasks&state=available", &path] {
        let statements = api.cost(Method::GET, path, None).await;

        assert_eq!(statements.len(), 1, "{path}: {statements:#?}");
    }
}

#[tokio::test]
async fn a_job_that_has_ended_is_cancelled_and_waited_for_in_one_round_trip() {
    let api = Measured::start().await;
    let job = api.send(Method::POST, "/v1/exports", Some(json!({ "format": "csv" }))).await;
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());

    let cancel = api.cost(Method::POST, &format!("{path}/cancel"), None).await;
    let wait = api.cost(Method::GET, &format!("{path}?wait=20"), None).await;

    assert_eq!((cancel.len(), wait.len()), (1, 1), "{cancel:#?} {wait:#?}");
}

#[tokio::test]
async fn tasks_are_written_in_one_round_trip() {
    let api = Measured::start().await;
    let task = api.send(Method::POST, "/v1/tasks", Some(json!({ "title": "Nap" }))).await;
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());

    let create = api.cost(Method::POST, "/v1/tasks", Some(json!({ "title": "Nap" }))).await;
    let update = api.cost(Method::PATCH, &path, Some(json!({ "title": "Work" }))).await;
    let delete = api.cost(Method::DELETE, &path, None).await;

    assert_eq!((create.len(), update.len(), delete.len()), (1, 1, 1), "{create:#?} {update:#?} {delete:#?}");
}

/// The look whether a webhook hears of a change costs nothing extra, as the test above says. Where one does, the change
/// is made in a transaction.
#[tokio::test]
async fn a_change_that_a_webhook_hears_of_takes_a_transaction_and_others_do_not() {
    let api = Measured::start().await;
    let webhook = json!({ "url": "https://example.com", "event_types": ["task.created"] });
    let task = api.send(Method::POST, "/v1/tasks", Some(json!({ "title": "Nap" }))).await;
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    api.send(Method::POST, "/v1/webhooks", Some(webhook)).await;

    let update = api.cost(Method::PATCH, &path, Some(json!({ "title": "Work" }))).await;
    let create = api.statements(Method::POST, "/v1/tasks", Some(json!({ "title": "Nap" }))).await;

    assert_eq!(update.len(), 1, "{update:#?}");
    let begins = ["insert into tasks", "BEGIN", "insert into tasks", "webhook_endpoints", "insert into jobs"];
    let words = begins.into_iter().chain(["insert into webhook_deliveries", "COMMIT", "pg_notify"]);
    assert_eq!(create.len(), 8, "{create:#?}");
    for (statement, word) in create.iter().zip(words) {
        assert!(statement.contains(word), "{word}: {create:#?}");
    }
}

#[tokio::test]
async fn an_export_is_enqueued_in_one_statement_and_told_in_one_more() {
    let api = Measured::start().await;

    let statements = api.cost(Method::POST, "/v1/exports", Some(json!({ "format": "csv" }))).await;

    assert_eq!(statements.len(), 2, "{statements:#?}");
    assert!(statements[0].contains("insert into jobs"), "{statements:#?}");
    assert!(statements[1].contains("pg_notify"), "{statements:#?}");
}

#[tokio::test]
async fn a_request_without_a_valid_token_or_body_costs_nothing() {
    let mut api = Measured::start().await;

    let invalid = api.cost(Method::POST, "/v1/tasks", Some(json!({ "title": "" }))).await;
    api.token = "garbage".to_owned();
    let unauthorised = api.cost(Method::GET, "/v1/tasks", None).await;

    assert_eq!((invalid, unauthorised), (vec![], vec![]));
}

/// The API as on Lambda, with one connection, which leads through a proxy that counts.
struct Measured {
    router: Router,
    token: String,
    db: Db,
    proxy: PgProxy,
    _app: TestApp,
}

impl Measured {
    /// Starts it, with a client that is logged in. The jobs of these tests are not run: only requests are measured.
    async fn start() -> Self {
        let (proxy, app) = TestApp::behind_proxy(::worker::registry()).await;
        let token = app.actor().await.token;
        let db = postgres::handle(&proxy.url(&app.url), 1);
        let notifier = Notifier::Postgres(PostgresNotifier::remote(db.clone()));
        let router = ::api::app(AppState { db: db.clone(), notifier, ..app.api.clone() });
        Self { router, token, db, proxy, _app: app.may_leave_jobs() }
    }

    /// Sends a request and returns the body of its answer, if that is JSON.
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let request = request.header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// Returns the statements that a request runs once the connection has prepared them.
    async fn statements(&self, method: Method, path: &str, body: Option<Value>) -> Vec<String> {
        self.send(method.clone(), path, body.clone()).await;
        self.db.settle().await;
        self.proxy.reset();

        self.send(method, path, body).await;
        self.db.settle().await;

        self.proxy.statements()
    }

    /// Returns the statements that a request runs once the connection has prepared them, and insists that each took a
    /// single round trip.
    async fn cost(&self, method: Method, path: &str, body: Option<Value>) -> Vec<String> {
        let statements = self.statements(method, path, body).await;
        assert_eq!(self.proxy.round_trips(), statements.len(), "{statements:#?}");
        statements
    }
}
