//! A queue with SQS's promises and no more: messages come late, twice, in any order, and some never. It takes what the
//! SDK sends (the JSON protocol), and can be down. Whoever plays the event source receives from it.

use super::tally::Tally;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A message that was received and not deleted is visible again after this.
const VISIBILITY: Duration = Duration::from_secs(5);

/// A message that was received this often goes to the dead-letter queue.
const MOST_DELIVERIES: u32 = 5;

/// Messages of one batch at most.
const BATCH: usize = 10;

/// The pause between two looks of a receiver.
const POLL: Duration = Duration::from_millis(10);

/// A running queue.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Mutex<Inner>>,
    endpoint: String,
    _server: Arc<JoinSet<()>>,
}

/// A message as a receiver sees it.
#[derive(Clone, Debug)]
pub struct Message {
    /// Names it in a batch and in its deletion.
    pub id: String,
    /// What was sent.
    pub body: String,
    visible_at: Instant,
    deliveries: u32,
}

struct Inner {
    random: fastrand::Rng,
    tally: Tally,
    messages: Vec<Message>,
    dead: Vec<Message>,
    count: u64,
    is_down: bool,
    is_faithful: bool,
}

impl Message {
    /// A message that is visible at once.
    pub fn new(id: String, body: String) -> Self {
        Self { id, body, visible_at: Instant::now(), deliveries: 0 }
    }
}

impl Queue {
    /// Starts a queue that breaks each promise that SQS does not make.
    pub async fn start(random: fastrand::Rng, tally: Tally) -> Self {
        let (messages, dead) = (Vec::new(), Vec::new());
        let inner = Inner { random, tally, messages, dead, count: 0, is_down: false, is_faithful: false };
        let inner = Arc::new(Mutex::new(inner));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { inner, endpoint, _server: Arc::new(server) }
    }

    /// The variables of a process that is to send to it.
    pub fn environment(&self) -> Vec<(String, String)> {
        let url = format!("{}/123456789012/jobs", self.endpoint);
        [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("QUEUE_URL", url.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Takes a message as if it had been sent through the SDK.
    pub fn send(&self, body: &str, delay: Duration) {
        self.inner.lock().unwrap().take(body, delay);
    }

    /// Takes a message that none of the faults strikes.
    pub fn put(&self, body: &str) {
        let mut inner = self.inner.lock().unwrap();
        inner.count += 1;
        let id = inner.count.to_string();
        inner.messages.push(Message::new(id, body.to_owned()));
    }

    /// Refuses every call of the SDK until told otherwise; what is in the queue is delivered.
    pub fn be_down(&self, is_down: bool) {
        self.inner.lock().unwrap().is_down = is_down;
    }

    /// Loses, doubles and delays nothing from now on.
    pub fn be_faithful(&self) {
        let mut inner = self.inner.lock().unwrap();
        (inner.is_faithful, inner.is_down) = (true, false);
    }

    /// Waits for messages and takes up to ten of those that are visible, in any order.
    pub async fn receive(&self) -> Vec<Message> {
        loop {
            let batch = self.inner.lock().unwrap().receive();
            if !batch.is_empty() {
                return batch;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Takes messages away for good.
    pub fn delete(&self, ids: &[String]) {
        self.inner.lock().unwrap().messages.retain(|message| !ids.contains(&message.id));
    }

    /// Tells whether every message was deleted, or is a dead letter.
    pub fn is_empty(&self) -> bool {
        self.inner.lock().unwrap().messages.is_empty()
    }

    /// The bodies in the dead-letter queue.
    pub fn dead(&self) -> Vec<String> {
        self.inner.lock().unwrap().dead.iter().map(|message| message.body.clone()).collect()
    }
}

impl Inner {
    fn take(&mut self, body: &str, delay: Duration) {
        let lottery = if self.is_faithful { 100 } else { self.random.u32(0..100) };
        let (copies, late) = match lottery {
            0..5 => (0, Duration::ZERO),
            5..15 => (2, Duration::ZERO),
            15..27 => (1, Duration::from_millis(self.random.u64(100..4_000))),
            _ => (1, Duration::ZERO),
        };
        match lottery {
            0..5 => self.tally.one("messages lost"),
            5..15 => self.tally.one("messages doubled"),
            15..27 => self.tally.one("messages delayed"),
            _ => {}
        }
        self.tally.one("messages sent");
        for _ in 0..copies {
            self.count += 1;
            let (id, visible_at) = (self.count.to_string(), Instant::now() + delay + late);
            self.messages.push(Message { id, body: body.to_owned(), visible_at, deliveries: 0 });
        }
    }

    fn receive(&mut self) -> Vec<Message> {
        let now = Instant::now();
        let (gone, kept) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|message| message.visible_at <= now && message.deliveries >= MOST_DELIVERIES);
        self.messages = kept;
        self.dead.extend::<Vec<Message>>(gone);
        if !self.is_faithful {
            self.random.shuffle(&mut self.messages);
        }
        let mut batch = Vec::new();
        for message in self.messages.iter_mut().filter(|message| message.visible_at <= now).take(BATCH) {
            message.deliveries += 1;
            // Now and then SQS hands a message to two receivers.
            if self.is_faithful || self.random.u32(0..100) >= 4 {
                message.visible_at = now + VISIBILITY;
            } else {
                self.tally.one("messages handed out twice");
            }
            if message.deliveries > 1 {
                self.tally.one("messages delivered again");
            }
            batch.push(message.clone());
        }
        batch
    }
}

/// Answers the SDK. A queue that is shaky takes a call now and then and says that it has not.
async fn answer(
    State(inner): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    const JSON: [(&str, &str); 1] = [("content-type", "application/x-amz-json-1.0")];
    let unavailable = || (StatusCode::SERVICE_UNAVAILABLE, JSON, "{}".to_owned());
    let mut inner = inner.lock().unwrap();
    if inner.is_down {
        inner.tally.one("calls to the queue refused");
        return unavailable();
    }
    let call: Value = serde_json::from_slice(&body).unwrap();
    let entries = call["Entries"].as_array().unwrap();
    let done: Vec<Value> = match headers["x-amz-target"].to_str().unwrap() {
        "AmazonSQS.SendMessageBatch" => {
            let sent = entries.iter().map(|entry| {
                let delay = Duration::from_secs(entry["DelaySeconds"].as_u64().unwrap_or_default());
                inner.take(entry["MessageBody"].as_str().unwrap(), delay);
                json!({ "Id": entry["Id"], "MessageId": "sent", "MD5OfMessageBody": "none" })
            });
            sent.collect()
        }
        "AmazonSQS.ChangeMessageVisibilityBatch" => entries.iter().map(|entry| json!({ "Id": entry["Id"] })).collect(),
        other => panic!("the queue knows no {other}"),
    };
    if !inner.is_faithful && inner.random.u32(0..100) < 5 {
        inner.tally.one("answers of the queue lost");
        return unavailable();
    }
    (StatusCode::OK, JSON, json!({ "Successful": done, "Failed": [] }).to_string())
}
