//! SQS's part on a laptop: notices of PostgreSQL become SQS-shaped events for the worker function, and each minute the
//! scheduler function is invoked.

use crate::listen::{self, Heard};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde_json::json;
use shared::db::Db;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Records of one event at most, as the event source mapping of the template has it.
const BATCH: usize = 10;

/// The first invocation compiles the function.
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(15);

/// The pause before a message is delivered again.
const REDELIVERY: Duration = Duration::from_secs(30);

/// Deliveries before a message would go to the dead-letter queue.
const MOST_DELIVERIES: u32 = 5;

/// The scheduler's rhythm, as the template has it.
const MINUTE: Duration = Duration::from_mins(1);

/// Invokes functions.
#[derive(Clone, Debug)]
pub(crate) struct EventSource {
    client: reqwest::Client,
    lambda: String,
}

/// A message: the job's id, and when it is visible.
#[derive(Clone, Debug)]
struct Message {
    job: String,
    after: Duration,
    deliveries: u32,
}

impl EventSource {
    pub(crate) fn new(lambda: &str) -> anyhow::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "invocations compile the function first: minutes, not seconds")]
        let client =
            reqwest::Client::builder().connect_timeout(Duration::from_secs(2)).timeout(INVOCATION_TIMEOUT).build()?;
        Ok(Self { client, lambda: lambda.trim_end_matches('/').to_owned() })
    }

    /// Delivers until the stop. What is not delivered then stays in the rows, and the scheduler tells of it again.
    pub(crate) async fn run(&self, db: &Db, stop: &CancellationToken) {
        let (hear, mut heard) = mpsc::unbounded_channel();
        let mut deliveries = JoinSet::new();
        // One at a time: the first one waits until the function is compiled.
        let mut ticks = JoinSet::new();
        let mut minute = tokio::time::interval(MINUTE);
        let listening = listen::run(db, stop, |event| {
            if let Heard::Notice(payload) = event {
                // The receiver lives as long as this function.
                let _received = hear.send(payload);
            }
        });
        tokio::pin!(listening);
        loop {
            tokio::select! {
                () = &mut listening => break,
                Some(payload) = heard.recv() => {
                    for messages in parse(&payload) {
                        deliveries.spawn(self.clone().deliver(messages));
                    }
                }
                Some(_) = deliveries.join_next() => {}
                _ = minute.tick(), if ticks.is_empty() => { ticks.spawn(self.clone().tick()); }
                Some(_) = ticks.join_next() => {}
            }
        }
    }

    /// Delivers a batch, and what failed of it again.
    async fn deliver(self, mut messages: Vec<Message>) {
        while let Some(first) = messages.first() {
            tokio::time::sleep(first.after).await;
            let failed = match self.invoke_worker(&messages).await {
                Ok(response) => {
                    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
                }
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "The worker could not be invoked; is `cargo lambda watch` running?"
                    );
                    messages.iter().map(|message| message.job.clone()).collect::<Vec<_>>()
                }
            };
            messages.retain(|message| failed.contains(&message.job) && message.deliveries < MOST_DELIVERIES);
            for message in &mut messages {
                message.after = REDELIVERY;
                message.deliveries += 1;
            }
        }
    }

    async fn invoke_worker(&self, messages: &[Message]) -> anyhow::Result<SqsBatchResponse> {
        let mut event = SqsEvent::default();
        for message in messages {
            let mut record = SqsMessage::default();
            record.message_id = Some(message.job.clone());
            record.body = Some(json!({ "job": message.job }).to_string());
            record.event_source = Some("aws:sqs".to_owned());
            event.records.push(record);
        }
        let answer = self.invoke("worker", serde_json::to_vec(&event)?).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn tick(self) {
        if let Err(error) = self.invoke("scheduler", b"{}".to_vec()).await {
            tracing::info!(
                error = format!("{error:#}"),
                "The scheduler could not be invoked; is `cargo lambda watch` running?"
            );
        }
    }

    async fn invoke(&self, function: &str, event: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.lambda);
        let answer = self.client.post(url).body(event).send().await?.error_for_status()?;
        Ok(answer.bytes().await?.to_vec())
    }
}

/// Reads a notice: `id@seconds`, several with commas between. Batches have one delay each.
fn parse(payload: &str) -> Vec<Vec<Message>> {
    let mut messages: Vec<Message> = payload
        .split(',')
        .map(|part| {
            let (job, seconds) = part.split_once('@').unwrap_or((part, "0"));
            let after = Duration::from_secs(seconds.parse().unwrap_or(0));
            Message { job: job.to_owned(), after, deliveries: 1 }
        })
        .collect();
    messages.sort_by_key(|message| message.after);
    let same_delay = messages.chunk_by(|one, next| one.after == next.after);
    same_delay.flat_map(|group| group.chunks(BATCH)).map(<[Message]>::to_vec).collect()
}
