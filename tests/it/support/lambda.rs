//! Lambda, with one function: what is behind the address at which functions are invoked.

use super::moto;
use super::runtime_api::{Invocation, Sandbox};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use shared::aws::Sdk;
use shared::lambda::LARGEST_ANSWER;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Lambda, until it is dropped.
pub struct Lambda {
    endpoint: String,
    events: Arc<Mutex<Vec<Value>>>,
    _tasks: JoinSet<()>,
}

struct Function {
    name: String,
    handler: Box<dyn Fn(Value) -> BoxFuture<'static, Invocation> + Send + Sync>,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Lambda {
    /// Has a function of this name that does this with each event.
    pub async fn new(
        name: &str,
        handler: impl Fn(Value) -> BoxFuture<'static, Invocation> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let events = Arc::default();
        let function = Function { name: name.to_owned(), handler: Box::new(handler), events: Arc::clone(&events) };
        let app = Router::new()
            .route("/2015-03-31/functions/{function}/invocations", post(invoke))
            .with_state(Arc::new(function));
        let mut tasks = JoinSet::new();
        tasks.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { endpoint, events, _tasks: tasks }
    }

    /// Has a function of this name that is a process.
    pub async fn of(name: &str, sandbox: Arc<tokio::sync::Mutex<Sandbox>>) -> Self {
        Self::new(name, move |event| {
            let sandbox = Arc::clone(&sandbox);
            Box::pin(async move { sandbox.lock().await.invoke(&event).await })
        })
        .await
    }

    /// What the SDK needs to invoke the function.
    pub fn sdk(&self) -> Arc<Sdk> {
        Arc::new(Sdk::from(moto::config(&self.endpoint)))
    }

    /// The variables of a process that is to invoke the function.
    pub fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    }

    /// The events that the function was invoked with.
    pub fn events(&self) -> Vec<Value> {
        self.events.lock().unwrap().clone()
    }
}

async fn invoke(
    State(function): State<Arc<Function>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    event: Bytes,
) -> Response {
    assert!(headers.contains_key("authorization"), "{headers:?}");
    if name != function.name {
        let answer = json!({ "Message": format!("Function not found: {name}") }).to_string();
        return (StatusCode::NOT_FOUND, [("x-amzn-errortype", "ResourceNotFoundException")], answer).into_response();
    }
    let event: Value = serde_json::from_slice(&event).unwrap();
    function.events.lock().unwrap().push(event.clone());
    match (function.handler)(event).await {
        Invocation::Answer(answer) if answer.to_string().len() <= LARGEST_ANSWER => answer.to_string().into_response(),
        Invocation::Answer(_) => failed(&json!({ "errorType": "Function.ResponseSizeTooLarge" })),
        Invocation::Error(error) => failed(&error),
        Invocation::Died(status) => failed(&json!({ "errorMessage": status.to_string() })),
        Invocation::TimedOut => failed(&json!({ "errorMessage": "Task timed out" })),
    }
}

fn failed(error: &Value) -> Response {
    ([("x-amz-function-error", "Unhandled")], error.to_string()).into_response()
}
