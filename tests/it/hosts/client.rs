//! A client of a running `errand`, over real HTTP.

use super::eventually;
use crate::support::Answer;
use axum::http::{Method, header};
use serde_json::{Value, json};
use shared::ids::OwnerId;
use std::net::SocketAddr;
use std::time::Duration;

const PASSWORD: &str = "correct horse battery staple";

/// How long a job of a test may take.
const JOB: Duration = Duration::from_mins(1);

/// A client, with an account once it has logged in.
pub struct Client {
    http: reqwest::Client,
    origin: String,
    token: Option<String>,
    /// The account.
    pub owner: Option<OwnerId>,
}

impl Client {
    /// Makes a client without an account.
    pub fn anonymous(address: SocketAddr) -> Self {
        shared::tls::install();
        #[expect(clippy::disallowed_methods, reason = "longer than any answer that the server may take its time for")]
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).no_proxy();
        // A client that was sent elsewhere shall say so.
        let http = http.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, origin: format!("http://{address}"), token: None, owner: None }
    }

    /// Makes a client with a new account, and logs in.
    pub async fn new(address: SocketAddr, email: &str) -> Self {
        let mut client = Self::anonymous(address);
        let registered = client.post("/v1/auth/register", credentials(email)).await.json(201);
        client.owner = Some(OwnerId(registered["id"].as_str().unwrap().parse().unwrap()));
        client.log_in(email).await;
        client
    }

    /// Makes a client of an account that is there.
    pub async fn returning(address: SocketAddr, email: &str) -> Self {
        let mut client = Self::anonymous(address);
        client.log_in(email).await;
        client
    }

    /// The same client, when the server has moved.
    pub fn at(self, address: SocketAddr) -> Self {
        Self { origin: format!("http://{address}"), ..self }
    }

    async fn log_in(&mut self, email: &str) {
        let answer = self.log_in_answer(email).await.json(200);
        self.token = Some(answer["access_token"].as_str().unwrap().to_owned());
    }

    /// Tries to log in.
    pub async fn log_in_answer(&self, email: &str) -> Answer {
        self.post("/v1/auth/login", credentials(email)).await
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await.unwrap()
    }

    /// Creates.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await.unwrap()
    }

    /// Sends a request; an error is one of the connection.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.origin));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { status, headers, body: answer.bytes().await? })
    }

    /// Starts an export of all tasks and returns its job's id.
    pub async fn export(&self, format: &str) -> String {
        let job = self.post("/v1/exports", json!({ "format": format })).await.json(202);
        job["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a job has succeeded, and returns its result.
    pub async fn result(&self, job: &str) -> Value {
        eventually("the job succeeds", JOB, async || {
            let job = self.get(&format!("/v1/jobs/{job}")).await.json(200);
            assert_ne!(job["state"], "failed", "{job}");
            (job["state"] == "succeeded").then(|| job["result"].clone())
        })
        .await
    }

    /// All jobs of the account, page by page.
    pub async fn jobs(&self) -> Vec<Value> {
        let mut jobs = Vec::new();
        let mut path = "/v1/jobs?limit=100".to_owned();
        loop {
            let page = self.get(&path).await.json(200);
            jobs.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { return jobs };
            path = format!("/v1/jobs?limit=100&cursor={cursor}");
        }
    }
}

fn credentials(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD })
}
