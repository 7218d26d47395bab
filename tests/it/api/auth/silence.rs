//! What no log line may hold.

use super::{PASSWORD, credentials};
use crate::support::{Actor, TestApp};
use serde_json::json;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[tokio::test]
async fn no_line_holds_a_password_an_address_a_token_or_a_text_of_a_user() {
    let app = TestApp::new().await;
    let lines = Lines::default();
    let logging = tracing::subscriber::set_default(lines.clone());
    let nobody = Actor::nobody(&app);

    nobody.post("/v1/auth/register", credentials("ada@example.com", PASSWORD)).await.json(201);
    nobody.post("/v1/auth/register", credentials("ada@example.com", PASSWORD)).await.problem(409);
    nobody.post("/v1/auth/login", credentials("ada@example.com", "not the password")).await.problem(401);
    let login = nobody.post("/v1/auth/login", credentials("ada@example.com", PASSWORD)).await.json(200);
    let token = login["access_token"].as_str().unwrap().to_owned();
    let ada = Actor::new(&app, shared::ids::OwnerId(uuid::Uuid::nil()), token.clone());
    ada.task(json!({ "title": "a private matter" })).await;
    ada.get("/v1/tasks?q=private").await.json(200);
    drop(logging);

    let lines = lines.text();
    assert!(lines.contains("/v1/auth/login answered 200"), "{lines}");
    for secret in ["ada@example.com", PASSWORD, "not the password", token.as_str(), "$argon2id", "private"] {
        assert!(!lines.contains(secret), "a line holds \"{secret}\":\n{lines}");
    }
}

/// Collects every line and every span, of all levels and all crates.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

impl Lines {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = self.0.lock().unwrap();
        span.record(&mut Text(&mut text));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Text(&mut self.0.lock().unwrap()));
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        event.record(&mut Text(&mut text));
        text.push('\n');
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}
