//! Clients: who they are, and what they got.

use super::TestApp;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, header};
use serde_json::Value;
use shared::ids::OwnerId;
use uuid::Uuid;

/// A client of the API; logged in or not.
pub struct Actor<'a> {
    app: &'a TestApp,
    /// The account.
    pub id: OwnerId,
    /// The access token.
    pub token: String,
}

/// What a client got.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl<'a> Actor<'a> {
    /// Logs in.
    pub fn new(app: &'a TestApp, id: OwnerId, token: String) -> Self {
        Self { app, id, token }
    }

    /// A client that is not logged in, and sends no token.
    pub fn nobody(app: &'a TestApp) -> Self {
        Self::new(app, OwnerId(Uuid::nil()), String::new())
    }

    /// Logs in again: a token is valid for fifteen minutes of the app's clock.
    pub async fn again(&self) -> Self {
        let token = self.app.api.signing.issue(self.id, self.app.clock.now()).await.unwrap();
        Self::new(self.app, self.id, token)
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Creates.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Asks for something to be done, without a body.
    pub async fn act(&self, path: &str) -> Answer {
        self.send(Method::POST, path, None).await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends a body that is no JSON of ours, with its type.
    pub async fn send_as(&self, method: Method, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, content_type);
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        self.app.send(request.body(body.into()).unwrap()).await
    }

    /// Creates a task that has these fields, and a title of no matter when none is given.
    pub async fn task(&self, mut fields: Value) -> Value {
        fields.as_object_mut().unwrap().entry("title").or_insert_with(|| "a task".into());
        self.post("/v1/tasks", fields).await.json(201)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.app.send(request.body(body).unwrap()).await
    }
}

impl Answer {
    /// Insists on a status and returns the JSON body.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Insists on a status and returns the problem document.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        let problem = self.json(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        problem
    }

    /// Insists on a refusal because of wrong fields and returns them, each as `field: code`.
    #[track_caller]
    pub fn refused(&self) -> Vec<String> {
        let problem = self.problem(422);
        assert_eq!(problem["type"], "urn:errand:problem:invalid");
        let errors = problem["errors"].as_array().unwrap().iter();
        errors
            .map(|error| {
                assert_ne!(error["message"].as_str().unwrap(), "");
                format!("{}: {}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap())
            })
            .collect()
    }

    /// Returns where the next page is, as the header `Link` says; `None` on the last one.
    #[track_caller]
    pub fn next_page(&self) -> Option<String> {
        let link = self.headers.get(header::LINK)?.to_str().unwrap();
        let path = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect(link);
        Some(path.to_owned())
    }

    /// Insists on a status and returns the body as text.
    #[track_caller]
    pub fn text(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// Returns a header's text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("there is no header {name}")).to_str().unwrap()
    }
}
