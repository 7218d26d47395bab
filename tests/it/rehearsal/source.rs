//! What invokes worker and scheduler: the event source mapping of a queue, and a clock.

use super::fleet::Alias;
use crate::binaries::sample;
use crate::chaos::processes::{event, failures};
use crate::chaos::queue::{Message, Queue};
use crate::chaos::tally::Tally;
use crate::support::runtime_api::Invocation;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Between two ticks; on AWS it is a minute.
const TICK: Duration = Duration::from_millis(700);

/// Everything that runs until it is told to stop.
pub struct Sources {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Sources {
    /// Receives batches, this many at once, and ticks.
    pub fn start(queue: &Queue, worker: &Alias, batches: u32, scheduler: &Alias, tally: &Tally) -> Self {
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for _ in 0..batches {
            let (queue, worker, tally, mut stop) = (queue.clone(), worker.clone(), tally.clone(), stop.subscribe());
            tasks.spawn(async move {
                loop {
                    let messages = tokio::select! {
                        _ = stop.wait_for(|stop| *stop) => return,
                        messages = queue.receive() => messages,
                    };
                    hand_over(messages, &queue, &worker, &tally).await;
                }
            });
        }
        let (scheduler, tally, mut stopped) = (scheduler.clone(), tally.clone(), stop.subscribe());
        tasks.spawn(async move {
            loop {
                tick(&scheduler, &tally).await;
                tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => return,
                    () = tokio::time::sleep(TICK) => {}
                }
            }
        });
        Self { stop, tasks }
    }

    /// Lets each end what it has begun.
    pub async fn end(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
    }
}

/// Hands a batch to the worker and deletes what it has settled.
async fn hand_over(messages: Vec<Message>, queue: &Queue, worker: &Alias, tally: &Tally) {
    let Invocation::Answer(answer) = worker.invoke(&event(&messages)).await else {
        return tally.one("batches without an answer");
    };
    let failed = failures(&answer);
    tally.one("batches answered");
    tally.add("messages that batches could not settle", failed.len() as u64);
    let done = messages.iter().map(|message| &message.id).filter(|id| !failed.contains(&id.as_str()));
    queue.delete(&done.cloned().collect::<Vec<_>>());
}

async fn tick(scheduler: &Alias, tally: &Tally) {
    match scheduler.invoke(&sample("scheduler-tick.json")).await {
        Invocation::Answer(_) => tally.one("ticks"),
        _ => tally.one("ticks without an answer"),
    }
}
