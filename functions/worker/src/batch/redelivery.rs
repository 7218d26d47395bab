//! Redelivery sooner than the queue's visibility time-out, which is made for the longest batch.

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use shared::jobs::Notifier;

/// When a message that failed is delivered again: soon, but not in a tight loop while the database is away.
const SECONDS: i32 = 30;

/// Messages that one call may name.
const BATCH: usize = 10;

/// Asks SQS to deliver these messages again soon. Only timing depends on it, so a failure is logged and nothing else.
pub(super) async fn hurry(notifier: &Notifier, messages: &[&SqsMessage]) {
    let Notifier::Sqs(sqs) = notifier else { return };
    for batch in messages.chunks(BATCH) {
        let mut request = sqs.client().await.change_message_visibility_batch().queue_url(sqs.queue_url());
        for (index, message) in batch.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(message.receipt_handle.as_deref().unwrap_or_default())
                .visibility_timeout(SECONDS)
                .build();
            match entry {
                Ok(entry) => request = request.entries(entry),
                Err(error) => tracing::warn!(error = %error, "A message has no receipt handle"),
            }
        }
        // Boxed: the SDK's futures are large, and would otherwise become part of every future above.
        if let Err(error) = Box::pin(request.send()).await {
            tracing::warn!(
                error = format!("{:#}", anyhow::Error::new(aws_sdk_sqs::Error::from(error))),
                "SQS was not asked to deliver {} messages soon, it will later",
                batch.len(),
            );
        }
    }
}
