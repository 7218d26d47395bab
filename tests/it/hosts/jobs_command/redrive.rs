//! `redrive`, between two queues of moto.

use crate::hosts::{Ran, run};
use crate::support::moto::{Moto, moto};
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use serde_json::json;
use shared::ids::JobId;
use std::collections::BTreeSet;

/// A queue and its dead-letter queue.
struct Queues {
    moto: &'static Moto,
    queue: String,
    dead: String,
}

impl Queues {
    async fn new(name: &str) -> Option<Self> {
        let moto = moto().await?;
        let (queue, dead) = (moto.queue(name).await, moto.queue(&format!("{name}-dead")).await);
        Some(Self { moto, queue, dead })
    }

    async fn bury(&self, body: &str, group: Option<&str>) {
        let message = self.moto.sqs().send_message().queue_url(&self.dead).message_body(body);
        message.set_message_group_id(group.map(str::to_owned)).send().await.unwrap();
    }

    async fn redrive(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["jobs", "redrive"];
        all.extend(arguments);
        let variables = self.moto.environment();
        let mut environment: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        environment.extend([("QUEUE_URL", self.queue.as_str()), ("DEAD_LETTER_QUEUE_URL", self.dead.as_str())]);
        run(&all, &environment).await
    }

    /// How many messages a queue has: those that can be received, and those that are hidden.
    async fn count(&self, url: &str) -> (usize, usize) {
        let request = self.moto.sqs().get_queue_attributes().queue_url(url);
        let attributes = request.attribute_names(QueueAttributeName::All).send().await.unwrap().attributes.unwrap();
        let count = |name| attributes[&name].parse().unwrap();
        let hidden = count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
        (count(QueueAttributeName::ApproximateNumberOfMessages), hidden)
    }

    /// Takes the messages that a queue has, with their groups.
    async fn take(&self, url: &str) -> BTreeSet<(String, Option<String>)> {
        let mut taken = BTreeSet::new();
        loop {
            let request = self.moto.sqs().receive_message().queue_url(url).max_number_of_messages(10);
            let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
            let messages = request.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return taken;
            }
            taken.extend(messages.into_iter().map(|message| {
                let attributes = message.attributes.unwrap_or_default();
                (message.body.unwrap(), attributes.get(&MessageSystemAttributeName::MessageGroupId).cloned())
            }));
        }
    }
}

fn look_at(job: JobId) -> String {
    json!({ "job": job }).to_string()
}

#[tokio::test]
async fn dead_letters_go_back_to_the_queue_in_their_groups() {
    let Some(queues) = Queues::new("redrive-groups").await else { return };
    let mut expected = BTreeSet::new();
    for number in 0..23 {
        let (body, group) = (look_at(JobId::new()), format!("owner-{}", number % 3));
        queues.bury(&body, Some(&group)).await;
        expected.insert((body, Some(group)));
    }
    let ungrouped = look_at(JobId::new());
    queues.bury(&ungrouped, None).await;
    expected.insert((ungrouped, None));

    let redriven = queues.redrive(&[]).await;

    assert_eq!(redriven.done(), "24 messages moved, 0 left\n");
    assert_eq!(queues.count(&queues.dead).await, (0, 0));
    assert_eq!(queues.take(&queues.queue).await, expected);
}

#[tokio::test]
async fn a_message_that_names_no_job_is_said_and_left() {
    let Some(queues) = Queues::new("redrive-strange").await else { return };
    let good = look_at(JobId::new());
    queues.bury("{\"job\":\n\"x\"}", None).await;
    queues.bury(&good, None).await;
    queues.bury("what?", None).await;

    let redriven = queues.redrive(&[]).await;

    let said = redriven.done();
    assert!(said.contains(" names no job, and is left: {\"job\": \"x\"}\n"), "{said}");
    assert!(said.contains(" names no job, and is left: what?\n"), "{said}");
    assert!(said.ends_with("1 messages moved, 2 left\n"), "{said}");
    assert_eq!(queues.take(&queues.queue).await, BTreeSet::from([(good, None)]));
    assert_eq!(queues.count(&queues.dead).await, (2, 0), "they can be seen at once");

    let all = queues.redrive(&["--all"]).await;

    assert_eq!(all.done(), "2 messages moved, 0 left\n");
    assert_eq!(queues.count(&queues.dead).await, (0, 0));
}

#[tokio::test]
async fn no_more_are_looked_at_than_the_limit_says() {
    let Some(queues) = Queues::new("redrive-limit").await else { return };
    for _ in 0..15 {
        queues.bury(&look_at(JobId::new()), None).await;
    }

    assert_eq!(queues.redrive(&["--limit", "12"]).await.done(), "12 messages moved, 0 left\n");

    assert_eq!(queues.count(&queues.dead).await, (3, 0));
    assert_eq!(queues.count(&queues.queue).await, (12, 0));
}

#[tokio::test]
async fn a_message_that_the_queue_does_not_take_stays() {
    let Some(queues) = Queues::new("redrive-refused").await else { return };
    queues.bury(&look_at(JobId::new()), None).await;
    let nowhere = format!("{}-nowhere", queues.queue);

    let redriven = queues.redrive(&["--queue", &nowhere]).await;

    assert_eq!((redriven.code, redriven.stdout.as_str()), (1, ""));
    let said = format!("errand: {nowhere} did not answer as it should: ");
    assert!(redriven.stderr.starts_with(&said), "{}", redriven.stderr);
    assert_eq!(queues.count(&queues.dead).await, (0, 1), "hidden for a while, and there");
}

#[tokio::test]
async fn both_queues_have_to_be_named() {
    let neither = run(&["jobs", "redrive"], &[]).await;
    let one = run(&["jobs", "redrive", "--queue", "http://127.0.0.1:1/1/jobs"], &[]).await;
    let url = "http://127.0.0.1:1/1/jobs";
    let same = run(&["jobs", "redrive", "--queue", url, "--dead-letters", url], &[]).await;

    assert_eq!((neither.code, one.code, same.code), (1, 1, 1));
    assert_eq!(neither.stderr, "errand: there is no queue: name it with --queue or in QUEUE_URL\n");
    assert!(one.stderr.starts_with("errand: there is no dead-letter queue: name it with --dead-letters"));
    assert!(same.stderr.starts_with("errand: the queue and the dead-letter queue are the same: "));
}
