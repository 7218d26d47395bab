//! `errand up` with a queue, as in a container: it sends to SQS and polls it.

mod delivery;
mod outage;
mod relay;
mod sent;

use crate::hosts::{Client, Errand, eventually, state_folder};
use crate::support::moto::{Moto, moto};
use crate::support::postgres;
use aws_sdk_sqs::types::QueueAttributeName;
use relay::Relay;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::time::Duration;
use tempfile::TempDir;

/// Long enough that a message which comes back in a test was made to.
const VISIBILITY_SECONDS: u32 = 600;

/// A queue of its own, behind a relay that can be cut.
struct Queue {
    moto: &'static Moto,
    /// Its URL, past the relay.
    url: String,
    name: &'static str,
    relay: Relay,
}

/// How many messages a queue has.
#[derive(Debug, Default, PartialEq)]
struct Messages {
    visible: u32,
    in_flight: u32,
    delayed: u32,
}

impl Queue {
    /// Makes an empty queue; `None` where moto is missing.
    async fn new(name: &'static str) -> Option<Self> {
        Self::with_visibility(name, VISIBILITY_SECONDS).await
    }

    /// As [`Self::new`], with the time after which a message that was not deleted comes back.
    async fn with_visibility(name: &'static str, seconds: u32) -> Option<Self> {
        let moto = moto().await?;
        let create = moto.sqs().create_queue().queue_name(name);
        let created = create.attributes(QueueAttributeName::VisibilityTimeout, seconds.to_string()).send().await;
        let url = created.unwrap().queue_url.unwrap();
        let relay = Relay::start(moto.endpoint.strip_prefix("http://").unwrap().parse().unwrap()).await;
        Some(Self { moto, url, name, relay })
    }

    /// The variables of a process that is to use it, through the relay.
    fn environment(&self) -> HashMap<String, String> {
        let endpoint = format!("http://127.0.0.1:{}", self.relay.port());
        let mut environment: HashMap<_, _> = self.moto.environment().into_iter().collect();
        environment.insert("QUEUE_URL".to_owned(), self.url.replace(&self.moto.endpoint, &endpoint));
        environment.insert("AWS_ENDPOINT_URL".to_owned(), endpoint);
        environment
    }

    async fn send(&self, bodies: &[&str]) {
        for body in bodies {
            self.moto.sqs().send_message().queue_url(&self.url).message_body(*body).send().await.unwrap();
        }
    }

    async fn messages(&self) -> Messages {
        let request = self.moto.sqs().get_queue_attributes().queue_url(&self.url);
        let answer = request.attribute_names(QueueAttributeName::All).send().await.unwrap();
        let attributes = answer.attributes.unwrap();
        let count = |name| attributes[&name].parse().unwrap();
        Messages {
            visible: count(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            delayed: count(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
        }
    }

    async fn has(&self, messages: Messages) {
        let what = format!("the queue {} has {messages:?}", self.name);
        eventually(&what, Duration::from_secs(20), async || (self.messages().await == messages).then_some(())).await;
    }

    /// What moto knows of the messages with this body beyond what SQS tells; oldest knowledge included.
    async fn insides(&self, body: &str) -> Vec<Value> {
        #[expect(clippy::disallowed_methods, reason = "the server is on this machine")]
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/moto-api/data.json", self.moto.endpoint);
        let data: Value =
            serde_json::from_slice(&client.get(url).send().await.unwrap().bytes().await.unwrap()).unwrap();
        let messages = data["sqs"]["Message"].as_array().unwrap();
        messages.iter().filter(|message| message["body"] == body).cloned().collect()
    }
}

/// Errand with a queue and a database of the test's server.
struct Host {
    errand: Errand,
    client: Client,
    db: PgConnection,
    _folder: TempDir,
}

impl Host {
    async fn up(queue: &Queue) -> Self {
        let folder = state_folder();
        let url = postgres::database().await;
        let mut environment = queue.environment();
        environment.insert("DATABASE_URL".to_owned(), url.clone());
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let errand = Errand::up(folder.path(), &environment).await;
        let client = Client::new(errand.address(), "ada@example.com").await;
        Self { errand, client, db: postgres::connect(&url).await, _folder: folder }
    }
}
