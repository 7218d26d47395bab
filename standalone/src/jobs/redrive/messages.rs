//! The calls to SQS. Of each batch, what failed is read: a call that succeeds may have taken only a part.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName, SendMessageBatchRequestEntry,
};
use std::collections::HashSet;

/// How long a message is hidden from further calls: longer than a run takes with it.
const HIDDEN_SECONDS: i32 = 120;

/// How long SQS looks for messages: with a wait it asks all of its servers, without one only some.
const WAIT_SECONDS: i32 = 1;

/// Bytes that the bodies of one call may have, with room for what is around them.
const LARGEST_CALL: usize = 200_000;

/// Entries of one call at most.
const BATCH: usize = 10;

/// A queue, and who talks to it.
pub(super) struct Queue<'a> {
    client: &'a Client,
    url: String,
}

pub(super) fn body(message: &Message) -> &str {
    message.body().unwrap_or_default()
}

impl<'a> Queue<'a> {
    pub(super) fn new(client: &'a Client, url: String) -> Self {
        Self { client, url }
    }

    /// Takes up to `limit` messages, which nobody else sees for a while.
    pub(super) async fn receive(&self, limit: usize) -> anyhow::Result<Vec<Message>> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(limit)?)
            .visibility_timeout(HIDDEN_SECONDS)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        let answer = request.send().await.map_err(|error| self.failed(error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Sends the bodies of messages, in the groups that they had. Returns the messages whose bodies were taken, and the
    /// others.
    pub(super) async fn send(&self, messages: Vec<Message>) -> anyhow::Result<(Vec<Message>, Vec<Message>)> {
        let size: usize = messages.iter().map(|message| body(message).len()).sum();
        let in_one_call = if size > LARGEST_CALL { 1 } else { BATCH };
        let mut failed = HashSet::new();
        for (number, call) in messages.chunks(in_one_call).enumerate() {
            let mut request = self.client.send_message_batch().queue_url(&self.url);
            for (index, message) in call.iter().enumerate() {
                let group = message
                    .attributes()
                    .and_then(|attributes| attributes.get(&MessageSystemAttributeName::MessageGroupId));
                let entry = SendMessageBatchRequestEntry::builder()
                    .id((number * in_one_call + index).to_string())
                    .message_body(body(message))
                    .set_message_group_id(group.cloned());
                request = request.entries(entry.build()?);
            }
            let answer = request.send().await.map_err(|error| self.failed(error))?;
            failed.extend(positions(answer.failed()));
        }
        let (mut sent, mut refused) = (Vec::new(), Vec::new());
        for (position, message) in messages.into_iter().enumerate() {
            if failed.contains(&position) { refused.push(message) } else { sent.push(message) }
        }
        Ok((sent, refused))
    }

    /// Deletes up to ten messages, and returns how many are gone.
    pub(super) async fn delete(&self, messages: &[Message]) -> anyhow::Result<usize> {
        if messages.is_empty() {
            return Ok(0);
        }
        let mut request = self.client.delete_message_batch().queue_url(&self.url);
        for (index, message) in messages.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            request = request.entries(entry.set_receipt_handle(message.receipt_handle.clone()).build()?);
        }
        let answer = request.send().await.map_err(|error| self.failed(error))?;
        Ok(messages.len() - answer.failed().len())
    }

    /// Lets messages be seen at once. Those for which it fails are seen when their time is up.
    pub(super) async fn show_again(&self, messages: &[Message]) {
        for call in messages.chunks(BATCH) {
            let mut request = self.client.change_message_visibility_batch().queue_url(&self.url);
            for (index, message) in call.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .set_receipt_handle(message.receipt_handle.clone())
                    .visibility_timeout(0);
                match entry.build() {
                    Ok(entry) => request = request.entries(entry),
                    Err(error) => tracing::warn!(error = %error, "A message has no receipt handle"),
                }
            }
            if let Err(error) = request.send().await {
                let error = format!("{:#}", self.failed(error));
                tracing::warn!(error, "Messages that were left are hidden for {HIDDEN_SECONDS} s");
            }
        }
    }

    fn failed<E>(&self, error: SdkError<E>) -> anyhow::Error
    where
        aws_sdk_sqs::Error: From<SdkError<E>>,
    {
        anyhow::Error::new(aws_sdk_sqs::Error::from(error)).context(format!("{} did not answer as it should", self.url))
    }
}

fn positions(failed: &[BatchResultErrorEntry]) -> impl Iterator<Item = usize> {
    failed.iter().filter_map(|entry| entry.id().parse().ok())
}
