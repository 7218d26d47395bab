//! Notices as SQS messages: `{"job": "<id>"}`, with the trace where X-Ray looks for it.

use super::{Notice, NotifyError};
use crate::aws::Sdk;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use futures_util::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// SQS delays a message by at most this long.
const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// Messages that one call may carry.
const BATCH: usize = 10;

/// Calls under way at once.
const CONCURRENCY: usize = 4;

/// The queue; its client is made when first used.
#[derive(Clone, Debug)]
pub struct SqsNotifier {
    sdk: Arc<Sdk>,
    client: Arc<OnceCell<Client>>,
    queue_url: Arc<str>,
}

impl SqsNotifier {
    /// Makes the notifier; nothing is connected before the first use.
    #[must_use]
    pub fn new(sdk: Arc<Sdk>, queue_url: &str) -> Self {
        Self { sdk, client: Arc::default(), queue_url: queue_url.into() }
    }

    /// Returns the queue's URL.
    #[must_use]
    pub fn queue_url(&self) -> &str {
        &self.queue_url
    }

    /// Returns the SQS client, for those who receive.
    pub async fn client(&self) -> &Client {
        self.client.get_or_init(|| async { Client::new(self.sdk.config().await) }).await
    }

    pub(super) async fn send(&self, notices: &[Notice]) -> Result<(), NotifyError> {
        let client = self.client().await;
        let batches: Vec<_> = notices.chunks(BATCH).map(|batch| self.send_batch(client, batch)).collect();
        // Each is sent, whatever becomes of the others; the first failure speaks for all.
        let sent: Vec<_> = futures_util::stream::iter(batches).buffer_unordered(CONCURRENCY).collect().await;
        sent.into_iter().collect()
    }

    async fn send_batch(&self, client: &Client, notices: &[Notice]) -> Result<(), NotifyError> {
        let mut request = client.send_message_batch().queue_url(&*self.queue_url);
        for (index, notice) in notices.iter().enumerate() {
            let entry = entry(index, notice).map_err(|error| NotifyError::Sqs(Box::new(error.into())))?;
            request = request.entries(entry);
        }
        let answer = request.send().await.map_err(|error| NotifyError::Sqs(Box::new(error.into())))?;
        match answer.failed().first() {
            None => Ok(()),
            Some(first) => Err(NotifyError::Refused { refused: answer.failed().len(), code: first.code().to_owned() }),
        }
    }
}

fn entry(index: usize, notice: &Notice) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(format!(r#"{{"job":"{}"}}"#, notice.job))
        .message_group_id(&notice.group)
        .delay_seconds(delay_seconds(notice.after));
    if let Some(trace) = notice.trace {
        let header =
            MessageSystemAttributeValue::builder().data_type("String").string_value(trace.to_xray()).build()?;
        entry = entry.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, header);
    }
    entry.build()
}

/// Rounds up, so that a message is never early.
fn delay_seconds(after: Duration) -> i32 {
    let seconds = after.min(LONGEST_DELAY).as_millis().div_ceil(1000);
    i32::try_from(seconds).unwrap_or(900)
}
