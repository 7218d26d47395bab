//! What a new version of the API has to show before it gets traffic, and what CodeDeploy is told.

use crate::api::events::sample;
use crate::binaries::Stack;
use crate::support::runtime_api::Sandbox;
use crate::support::{binaries, moto};
use ::smoke::{Config, Hook, PATHS, Patience, Smoke, Verdict};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use shared::aws::Sdk;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

const VERSION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:errand-ApiFunction-AbCdEf:7";

/// Lambda with one version of the API, and CodeDeploy.
struct Aws {
    endpoint: String,
    account: Arc<Mutex<Account>>,
    _tasks: JoinSet<()>,
}

struct Account {
    version: Version,
    events: Vec<Value>,
    told: Vec<Value>,
}

enum Version {
    /// The real function.
    Is(Box<Sandbox>),
    /// Gives these answers, the last one again and again.
    Says(VecDeque<Value>),
    /// Fails as a crashed function does.
    Crashes,
}

impl Aws {
    async fn with(version: Version) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let account = Arc::new(Mutex::new(Account { version, events: Vec::new(), told: Vec::new() }));
        let app = Router::new()
            .route("/2015-03-31/functions/{function}/invocations", post(invoke))
            .route("/", post(tell))
            .with_state(Arc::clone(&account));
        let mut tasks = JoinSet::new();
        tasks.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { endpoint, account, _tasks: tasks }
    }

    async fn answering(statuses: impl IntoIterator<Item = u16>) -> Self {
        let answers = statuses.into_iter().map(|status| json!({ "statusCode": status, "body": "{}" }));
        Self::with(Version::Says(answers.collect())).await
    }

    /// Lets the hook run with this much time.
    async fn judged(&self, time_left: Duration, patience: Duration) -> anyhow::Result<Verdict> {
        let config = Config::load(&|name| (name == "API_VERSION").then(|| VERSION.to_owned())).unwrap();
        let patience = Patience { total: patience, pause: Duration::ZERO };
        let smoke = Smoke::new(config, Arc::new(Sdk::from(moto::config(&self.endpoint))), patience);
        let hook: Hook = serde_json::from_value(sample("smoke-hook.json")).unwrap();
        smoke.handle(hook, time_left).await
    }

    /// What CodeDeploy was told.
    async fn statuses(&self) -> Vec<Value> {
        let hook = sample("smoke-hook.json");
        let told = self.account.lock().await.told.clone();
        for word in &told {
            assert_eq!(word["deploymentId"], hook["DeploymentId"]);
            assert_eq!(word["lifecycleEventHookExecutionId"], hook["LifecycleEventHookExecutionId"]);
        }
        told.into_iter().map(|word| word["status"].clone()).collect()
    }
}

async fn invoke(State(account): State<Arc<Mutex<Account>>>, Path(function): Path<String>, event: Bytes) -> Response {
    assert_eq!(function, VERSION);
    let mut account = account.lock().await;
    let event: Value = serde_json::from_slice(&event).unwrap();
    account.events.push(event.clone());
    match &mut account.version {
        Version::Is(sandbox) => sandbox.invoke(&event).await.answer().to_string().into_response(),
        Version::Says(answers) if answers.len() > 1 => answers.pop_front().unwrap().to_string().into_response(),
        Version::Says(answers) => answers[0].to_string().into_response(),
        Version::Crashes => ([("x-amz-function-error", "Unhandled")], "{\"errorType\":\"no start\"}").into_response(),
    }
}

async fn tell(State(account): State<Arc<Mutex<Account>>>, headers: HeaderMap, body: Bytes) -> &'static str {
    assert_eq!(headers["x-amz-target"], "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus");
    account.lock().await.told.push(serde_json::from_slice(&body).unwrap());
    "{}"
}

const PLENTY: Duration = Duration::from_mins(2);

/// The real binaries of both, as Lambda runs them.
#[tokio::test]
async fn a_version_that_answers_may_have_traffic() {
    let api = Stack::new().await.start("api").await;
    let aws = Aws::with(Version::Is(Box::new(api))).await;
    let environment = [
        ("API_VERSION", VERSION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_ENDPOINT_URL", &aws.endpoint),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let mut smoke = Sandbox::start(&binaries::path("smoke"), &environment).await;

    let verdict = smoke.invoke(&sample("smoke-hook.json")).await.answer();

    assert_eq!(verdict, json!({ "passed": true, "reason": "" }));
    assert_eq!(aws.statuses().await, ["Succeeded"]);
    let asked: Vec<Value> = aws.account.lock().await.events.iter().map(|event| event["rawPath"].clone()).collect();
    assert_eq!(asked, PATHS);
}

#[tokio::test]
async fn a_version_whose_database_wakes_up_is_waited_for() {
    let aws = Aws::answering([503, 503, 200]).await;

    let verdict = aws.judged(PLENTY, PLENTY).await.unwrap();

    assert!(verdict.passed, "{verdict:?}");
    assert_eq!(aws.statuses().await, ["Succeeded"]);
}

#[tokio::test]
async fn a_version_that_is_not_ready_or_not_well_must_not_have_traffic() {
    for (statuses, wrong) in [
        (&[503_u16] as &[_], "GET /health/ready was answered with 503"),
        (&[404], "GET /health/ready was answered with 404"),
        (&[200, 500], "GET /hello was answered with 500"),
    ] {
        let aws = Aws::answering(statuses.iter().copied()).await;
        let patience = Duration::from_millis(50);

        let verdict = aws.judged(PLENTY, patience).await.unwrap();

        assert_eq!(verdict, Verdict { passed: false, reason: wrong.to_owned() });
        assert_eq!(aws.statuses().await, ["Failed"]);
    }
}

#[tokio::test]
async fn a_version_that_crashes_or_answers_nonsense_must_not_have_traffic() {
    let nonsense = Version::Says([json!("hello")].into());
    for (version, wrong) in [(Version::Crashes, "no start"), (nonsense, "the answer is none of an HTTP API")] {
        let aws = Aws::with(version).await;

        let verdict = aws.judged(PLENTY, PLENTY).await.unwrap();

        assert!(!verdict.passed && verdict.reason.contains(wrong), "{verdict:?}");
        assert_eq!(aws.statuses().await, ["Failed"]);
    }
}

/// Otherwise CodeDeploy would wait for an hour.
#[tokio::test]
async fn codedeploy_is_told_before_the_time_is_up() {
    let aws = Aws::answering([503]).await;

    let verdict = aws.judged(Duration::from_secs(15), PLENTY).await.unwrap();

    assert_eq!(verdict.reason, "it was not done after 0 s");
    assert_eq!(aws.statuses().await, ["Failed"]);
}
