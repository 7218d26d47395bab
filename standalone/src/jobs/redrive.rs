//! `errand jobs redrive`: messages of the dead-letter queue go back to the queue.
//!
//! A message is deleted only after it was sent, so none is lost. One that was sent and not deleted is moved again, which
//! changes nothing: a message only says "look now".

mod messages;

use crate::cli::jobs::RedriveArgs;
use crate::jobs::list::one_line;
use anyhow::{bail, ensure};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::Message;
use messages::{Queue, body};
use shared::aws::Sdk;
use shared::config::{self, QueueConfig, Reader};
use std::io::{self, Write as _};
use worker::LookNow;

/// Messages of one call at most.
const BATCH: usize = 10;

/// What became of the messages that were looked at.
#[derive(Default)]
struct Tally {
    moved: usize,
    /// Sent, and still in the dead-letter queue.
    doubled: usize,
    /// Not taken by the queue.
    refused: usize,
    /// Left, because they name no job.
    left: usize,
}

/// Moves messages until none is left, or as many as wanted were looked at.
pub(super) async fn run(
    arguments: RedriveArgs,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> anyhow::Result<()> {
    let RedriveArgs { dead_letters, limit, all } = arguments;
    let (to, from) = urls(dead_letters.as_deref(), lookup)?;
    let sdk = Sdk::default();
    let client = Client::new(sdk.config().await);
    let (to, from) = (Queue::new(&client, to), Queue::new(&client, from));

    let mut tally = Tally::default();
    let mut staying = Vec::new();
    let moved = walk(&from, &to, (limit, all), &mut tally, &mut staying).await;
    // They were hidden, so that each is looked at once.
    from.show_again(&staying).await;
    moved?;

    writeln!(io::stdout(), "{} messages moved, {} left", tally.moved, tally.left)?;
    ensure!(tally.refused == 0, "the queue did not take {} messages, which are left", tally.refused);
    ensure!(tally.doubled == 0, "{} messages were moved and could not be deleted: they come again", tally.doubled);
    Ok(())
}

async fn walk(
    from: &Queue<'_>,
    to: &Queue<'_>,
    (limit, all): (u32, bool),
    tally: &mut Tally,
    staying: &mut Vec<Message>,
) -> anyhow::Result<()> {
    let mut left = usize::try_from(limit)?;
    while left > 0 {
        let messages = from.receive(left.min(BATCH)).await?;
        if messages.is_empty() {
            break;
        }
        left = left.saturating_sub(messages.len());
        let (wanted, strange): (Vec<Message>, Vec<Message>) =
            messages.into_iter().partition(|message| all || names_a_job(message));
        for message in &strange {
            let id = message.message_id().unwrap_or_default();
            writeln!(io::stdout(), "message {id} names no job, and is left: {}", one_line(body(message)))?;
        }
        tally.left += strange.len();
        staying.extend(strange);

        let (sent, refused) = to.send(wanted).await?;
        tally.refused += refused.len();
        staying.extend(refused);
        let deleted = from.delete(&sent).await?;
        tally.moved += deleted;
        tally.doubled += sent.len() - deleted;
    }
    Ok(())
}

fn names_a_job(message: &Message) -> bool {
    serde_json::from_str::<LookNow>(body(message)).is_ok()
}

/// The queue and the dead-letter queue.
fn urls(
    dead_letters: Option<&str>,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> anyhow::Result<(String, String)> {
    let named = |name: &str| dead_letters.filter(|_| name == "DEAD_LETTER_QUEUE_URL").map(str::to_owned);
    let lookup = |name: &str| named(name).or_else(|| lookup(name));
    let (to, from) = config::load(&lookup, |reader: &mut Reader<'_>| {
        let queue = QueueConfig::read(reader);
        let dead_letters = reader.text("DEAD_LETTER_QUEUE_URL");
        Some((queue.url, dead_letters))
    })?;
    match (to, from) {
        (Some(to), Some(from)) if to == from => bail!("the queue and the dead-letter queue are the same: {to}"),
        (Some(to), Some(from)) => Ok((to, from)),
        (None, _) => bail!("there is no queue: name it with --queue or in QUEUE_URL"),
        (_, None) => {
            bail!("there is no dead-letter queue: name it with --dead-letters or in DEAD_LETTER_QUEUE_URL")
        }
    }
}
