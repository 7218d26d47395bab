//! SQS without Lambda: long polling in the place of the event source mapping, for a container.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use shared::jobs::SqsNotifier;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use worker::Worker;

/// How long SQS holds a call that finds nothing: its longest, and so the cheapest.
const WAIT_SECONDS: i32 = 20;

/// A call may take this long: longer than the wait, and than the SDK's limits for other calls.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Messages of one batch at most; SQS has up to 10.
const BATCH: i32 = 5;

/// The pause after a call that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// A container has no deadline of its own: the kinds' time limits count.
const FAR: Duration = Duration::from_hours(24);

/// How long running jobs may go on after a stop was asked for; then they go back.
const DRAIN: Duration = Duration::from_secs(10);

/// Receives, runs and deletes until the stop.
pub(crate) async fn run(worker: &Worker, sqs: &SqsNotifier, stop: &CancellationToken) {
    loop {
        let messages = tokio::select! {
            () = stop.cancelled() => return,
            messages = receive(sqs) => messages,
        };
        let messages = match messages {
            Ok(messages) => messages,
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::warn!(error, "SQS could not be asked for messages");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if messages.is_empty() {
            continue;
        }
        let drained = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        let (event, receipts) = event(messages);
        let response = worker::handle_batch_until(worker, event, Instant::now() + FAR, drained).await;
        delete(sqs, receipts, &response).await;
    }
}

async fn receive(sqs: &SqsNotifier) -> Result<Vec<Message>, aws_sdk_sqs::Error> {
    let timeouts = aws_sdk_sqs::config::timeout::TimeoutConfig::builder()
        .operation_attempt_timeout(CALL_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let request = sqs
        .client()
        .await
        .receive_message()
        .queue_url(sqs.queue_url())
        .max_number_of_messages(BATCH)
        .wait_time_seconds(WAIT_SECONDS)
        .customize()
        .config_override(aws_sdk_sqs::Config::builder().timeout_config(timeouts));
    Ok(request.send().await?.messages.unwrap_or_default())
}

/// Turns messages into the event that Lambda would have made of them, and keeps what their deletion needs.
fn event(messages: Vec<Message>) -> (SqsEvent, Vec<(String, String)>) {
    let mut event = SqsEvent::default();
    let mut receipts = Vec::with_capacity(messages.len());
    for message in messages {
        let id = message.message_id.unwrap_or_default();
        let receipt = message.receipt_handle.unwrap_or_default();
        let mut record = SqsMessage::default();
        record.message_id = Some(id.clone());
        record.receipt_handle = Some(receipt.clone());
        record.body = message.body;
        event.records.push(record);
        receipts.push((id, receipt));
    }
    (event, receipts)
}

/// Deletes the messages that are done with. One that stays is delivered again, which changes nothing.
async fn delete(sqs: &SqsNotifier, receipts: Vec<(String, String)>, response: &SqsBatchResponse) {
    let failed: HashSet<&str> =
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    let done = receipts.into_iter().filter(|(id, _)| !failed.contains(id.as_str()));
    let mut request = sqs.client().await.delete_message_batch().queue_url(sqs.queue_url());
    let mut count = 0;
    for (index, (_, receipt)) in done.enumerate() {
        let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build();
        match entry {
            Ok(entry) => request = request.entries(entry),
            Err(error) => tracing::warn!(error = %error, "A message has no receipt handle"),
        }
        count += 1;
    }
    if count == 0 {
        return;
    }
    if let Err(error) = request.send().await {
        let error = format!("{:#}", anyhow::Error::new(aws_sdk_sqs::Error::from(error)));
        tracing::warn!(error, "{count} messages could not be deleted and will be delivered again");
    }
}
