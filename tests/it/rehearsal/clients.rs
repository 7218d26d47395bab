//! Those who call the API all the time, and remember what they were told.

use super::fleet::Alias;
use crate::binaries::sample;
use crate::support::runtime_api::Invocation;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A client's pause between an answer and its next request.
const PAUSE: Duration = Duration::from_millis(25);

/// What clients were told.
#[derive(Debug, Default)]
pub struct Told {
    /// Requests that were made.
    pub requests: u64,
    /// Tasks that were created.
    pub tasks: u64,
    /// The jobs that were accepted.
    pub jobs: Vec<String>,
    /// Answers that were none, or not what was asked for.
    pub failures: Vec<String>,
}

/// Running clients.
pub struct Clients {
    stop: watch::Sender<bool>,
    tasks: JoinSet<Told>,
}

impl Clients {
    /// Nobody yet.
    pub fn none() -> Self {
        Self { stop: watch::Sender::new(false), tasks: JoinSet::new() }
    }

    /// One more joins.
    pub fn join(&mut self, api: &Alias, token: &str) {
        let (api, token, stop) = (api.clone(), token.to_owned(), self.stop.subscribe());
        self.tasks.spawn(async move {
            let mut told = Told::default();
            while !*stop.borrow() {
                told.ask(&api, &token).await;
                tokio::time::sleep(PAUSE).await;
            }
            told
        });
    }

    /// Waits for the answers that are awaited, and returns what all were told.
    pub async fn end(self) -> Told {
        self.stop.send_replace(true);
        let mut all = Told::default();
        for told in self.tasks.join_all().await {
            all.requests += told.requests;
            all.tasks += told.tasks;
            all.jobs.extend(told.jobs);
            all.failures.extend(told.failures);
        }
        all
    }
}

impl Told {
    async fn ask(&mut self, api: &Alias, token: &str) {
        let (expected, request) = match fastrand::u32(0..4) {
            0 => (202, request("POST", "/v1/exports", token, &json!({ "format": "csv" }))),
            1 => (201, request("POST", "/v1/tasks", token, &json!({ "title": "Rehearse" }))),
            _ => (200, request("GET", "/v1/tasks", token, &Value::Null)),
        };
        self.requests += 1;
        let invocation = api.invoke(&request).await;
        let Invocation::Answer(answer) = &invocation else {
            return self.failures.push(format!("{invocation:?}"));
        };
        match answer["statusCode"].as_u64() {
            Some(status) if status != expected => self.failures.push(answer.to_string()),
            Some(201) => self.tasks += 1,
            Some(202) => {
                let job: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
                self.jobs.push(job["id"].as_str().unwrap().to_owned());
            }
            Some(_) => {}
            None => self.failures.push(answer.to_string()),
        }
    }
}

/// A request as API Gateway hands it over.
pub fn request(method: &str, path: &str, token: &str, body: &Value) -> Value {
    let mut event = sample("api-export.json");
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["method"] = method.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    if body.is_null() {
        event.as_object_mut().unwrap().remove("body");
        event["headers"].as_object_mut().unwrap().remove("content-length");
    } else {
        event["headers"]["content-length"] = body.to_string().len().to_string().into();
        event["body"] = body.to_string().into();
    }
    event
}
