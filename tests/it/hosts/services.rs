//! `errand services`: PostgreSQL and the source of events, beside something that runs the functions.

use crate::binaries::{Stack, sample};
use crate::hosts::{Errand, eventually, state_folder};
use crate::support::runtime_api::Sandbox;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::post;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

const SOON: Duration = Duration::from_secs(20);

/// What `cargo lambda watch` is: functions behind the address at which Lambda is invoked.
#[derive(Clone, Default)]
struct Lambda {
    functions: Arc<Mutex<BTreeMap<&'static str, Sandbox>>>,
    invoked: Arc<Mutex<Vec<String>>>,
}

impl Lambda {
    async fn listen(&self) -> (String, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app =
            Router::new().route("/2015-03-31/functions/{function}/invocations", post(invoke)).with_state(self.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async { axum::serve(listener, app).await.unwrap() });
        (address, tasks)
    }

    async fn has_invoked(&self, function: &str) {
        let invoked = async || self.invoked.lock().await.iter().any(|name| name == function).then_some(());
        eventually(function, SOON, invoked).await;
    }
}

async fn invoke(State(lambda): State<Lambda>, Path(function): Path<String>, event: Bytes) -> String {
    let mut functions = lambda.functions.lock().await;
    let event: Value = serde_json::from_slice(&event).unwrap();
    lambda.invoked.lock().await.push(function.clone());
    match functions.get_mut(function.as_str()) {
        Some(sandbox) => sandbox.invoke(&event).await.answer().to_string(),
        None => "{}".to_owned(),
    }
}

#[tokio::test]
async fn a_request_to_the_function_api_ends_as_a_batch_of_the_function_worker() {
    let folder = state_folder();
    let lambda = Lambda::default();
    let (address, _tasks) = lambda.listen().await;
    let mut services = Errand::start(folder.path(), &["services", "--lambda", &address], &[]);
    lambda.has_invoked("scheduler").await;
    let file = fs::read_to_string(folder.path().join("lambda.env")).unwrap();
    let variables: Vec<(String, String)> = file
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let stack = Stack::new().await.with_all(variables);
    let mut api = stack.start("api").await;
    lambda.functions.lock().await.insert("worker", stack.start("worker").await);

    let mut register = sample("api-register.json");
    let account = api.invoke(&register).await.answer();
    register["rawPath"] = "/v1/auth/login".into();
    let login = api.invoke(&register).await.answer();
    let token: Value = serde_json::from_str(login["body"].as_str().unwrap()).unwrap();
    let mut export = sample("api-export.json");
    export["headers"]["authorization"] = format!("Bearer {}", token["access_token"].as_str().unwrap()).into();
    let job = api.invoke(&export).await.answer();

    assert_eq!((&account["statusCode"], &job["statusCode"]), (&201.into(), &202.into()));
    let mut db = services.database().await;
    eventually("the export is done", SOON, async || {
        let state: String = sqlx::query_scalar("select state from jobs").fetch_one(&mut db).await.unwrap();
        (state == "succeeded").then_some(())
    })
    .await;
    lambda.has_invoked("worker").await;
    assert!(services.stdout().contains("cargo lambda watch --env-file"), "{}", services.stdout());
    services.signal("INT");
    assert_eq!(services.ended().await.code(), Some(0));
}
