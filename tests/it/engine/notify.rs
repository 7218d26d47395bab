//! Telling workers through a queue.

use crate::support::moto::config;
use crate::support::receiver::Receiver;
use shared::aws::Sdk;
use shared::ids::JobId;
use shared::jobs::{Notice, Notifier, SqsNotifier};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/errand";

#[tokio::test]
async fn a_call_that_fails_keeps_no_other_message_from_being_sent() {
    let queue = Receiver::start().await;
    queue.answers([400; 10]);
    let notifier = Notifier::Sqs(SqsNotifier::new(Arc::new(Sdk::from(config(&queue.url()))), QUEUE));
    let jobs: BTreeSet<String> = (0..100).map(|_| JobId::new().to_string()).collect();

    notifier.notify(jobs.iter().map(|job| Notice::again(job.parse().unwrap(), Duration::ZERO))).await;

    let bodies = queue.calls().into_iter().flat_map(|call| call.body()["Entries"].as_array().unwrap().clone());
    let asked: BTreeSet<String> = bodies.map(|entry| entry["MessageGroupId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(asked, jobs);
}
