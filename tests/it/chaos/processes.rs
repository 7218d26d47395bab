//! Worker and scheduler processes that are killed, frozen and started again, and that are driven meanwhile.

use super::queue::{Message, Queue};
use super::tally::Tally;
use crate::support::binaries;
use crate::support::runtime_api::{Invocation, Sandbox};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The time of one invocation.
const DEADLINE: Duration = Duration::from_secs(20);

/// What happens to a process.
#[derive(Clone, Copy, Debug)]
pub enum Strike {
    /// SIGKILL; it is started again after this.
    Kill(Duration),
    /// It stands still for this long, and does not know of it.
    Freeze(Duration),
    /// SIGTERM, and SIGKILL after this: what a supervisor does.
    Stop(Duration),
}

/// A binary with its variables, to be started again and again.
#[derive(Clone)]
pub struct Part {
    binary: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a process is driven with.
pub enum Play {
    /// Batches of a queue, as the event source mapping of Lambda does.
    Events(Queue),
    /// Nothing: it serves.
    Serve,
    /// Ticks, with this pause between them.
    Ticks(Duration),
}

/// Running processes, each with a way to strike it.
pub struct Cast {
    /// For each worker.
    pub workers: Vec<mpsc::Sender<Strike>>,
    /// For each scheduler.
    pub schedulers: Vec<mpsc::Sender<Strike>>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    tally: Tally,
}

/// Sends a signal through the system's `kill`.
pub fn signal(pid: u32, name: &str) {
    Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
}

impl Part {
    /// A binary of the workspace with these variables.
    pub fn new(binary: &str, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { binary: binaries::path(binary), environment: environment.into_iter().collect() }
    }

    /// The same binary of an older build.
    pub fn older(binary: &str, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { binary: binaries::older(binary), environment: environment.into_iter().collect() }
    }

    /// The same with further variables.
    pub fn with(mut self, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(environment);
        self
    }

    /// Starts it.
    pub async fn start(&self) -> Sandbox {
        let environment: Vec<_> =
            self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Sandbox::start(&self.binary, &environment).await.deadline(DEADLINE)
    }
}

impl Cast {
    /// An empty stage.
    pub fn new(tally: Tally) -> Self {
        let stop = watch::Sender::new(false);
        Self { workers: Vec::new(), schedulers: Vec::new(), stop, tasks: JoinSet::new(), tally }
    }

    /// Starts a process and keeps it going until the end.
    pub fn add(&mut self, part: Part, play: Play) {
        let (strikes, struck) = mpsc::channel(1);
        let list = if matches!(play, Play::Ticks(_)) { &mut self.schedulers } else { &mut self.workers };
        list.push(strikes);
        let (mut stop, tally) = (self.stop.subscribe(), self.tally.clone());
        self.tasks.spawn(async move {
            let mut process = Process { sandbox: part.start().await, part, play, struck, tally };
            tokio::select! {
                () = process.run() => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            process.sandbox.kill().await;
            process.count_words();
        });
    }

    /// Ends all processes.
    pub async fn end(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
    }
}

struct Process {
    part: Part,
    play: Play,
    sandbox: Sandbox,
    struck: mpsc::Receiver<Strike>,
    tally: Tally,
}

impl Process {
    async fn run(&mut self) {
        loop {
            let messages = match &self.play {
                Play::Events(queue) => {
                    tokio::select! {
                        messages = queue.receive() => messages,
                        Some(strike) = self.struck.recv() => {
                            self.strike(strike).await;
                            continue;
                        }
                    }
                }
                Play::Serve => Vec::new(),
                Play::Ticks(pause) => {
                    tokio::time::sleep(*pause).await;
                    Vec::new()
                }
            };
            match self.invoke(&event(&messages)).await {
                Some(Invocation::Answer(answer)) => self.note(&messages, &answer),
                Some(Invocation::Error(_)) => self.tally.one("invocations that failed"),
                // A process that serves asks for nothing.
                Some(Invocation::TimedOut) if matches!(self.play, Play::Serve) => {}
                Some(Invocation::TimedOut) => self.strike(Strike::Kill(Duration::ZERO)).await,
                Some(Invocation::Died(_)) => {
                    self.tally.one("processes that died by themselves");
                    self.start_again(Duration::ZERO).await;
                }
                None => {}
            }
        }
    }

    /// Invokes the function; `None` when it was killed meanwhile.
    async fn invoke(&mut self, event: &Value) -> Option<Invocation> {
        let pid = self.sandbox.pid();
        let strike = {
            let invocation = self.sandbox.invoke(event);
            tokio::pin!(invocation);
            loop {
                tokio::select! {
                    invocation = &mut invocation => return Some(invocation),
                    Some(strike) = self.struck.recv() => match strike {
                        Strike::Freeze(time) => freeze(pid, time, &self.tally).await,
                        deadly => break deadly,
                    },
                }
            }
        };
        self.strike(strike).await;
        None
    }

    async fn strike(&mut self, strike: Strike) {
        match strike {
            Strike::Kill(pause) => {
                self.tally.one("processes killed");
                self.start_again(pause).await;
            }
            Strike::Stop(pause) => {
                self.tally.one("processes stopped");
                signal(self.sandbox.pid(), "TERM");
                tokio::time::sleep(pause).await;
                self.start_again(Duration::ZERO).await;
            }
            Strike::Freeze(time) => freeze(self.sandbox.pid(), time, &self.tally).await,
        }
    }

    async fn start_again(&mut self, pause: Duration) {
        self.sandbox.kill().await;
        self.count_words();
        tokio::time::sleep(pause).await;
        self.sandbox = self.part.start().await;
    }

    fn note(&self, messages: &[Message], answer: &Value) {
        match &self.play {
            Play::Events(queue) => {
                let failed = failures(answer);
                self.tally.one("batches answered");
                self.tally.add("messages that batches could not settle", failed.len() as u64);
                let done = messages.iter().map(|message| &message.id).filter(|id| !failed.contains(&id.as_str()));
                queue.delete(&done.cloned().collect::<Vec<_>>());
            }
            Play::Serve => {}
            Play::Ticks(_) => {
                self.tally.one("ticks");
                for what in ["notified", "rescued", "exhausted"] {
                    self.tally.add(&format!("jobs {what} by ticks"), answer[what].as_u64().unwrap());
                }
            }
        }
    }

    /// Counts what the process has said of attempts that came too late.
    fn count_words(&self) {
        let says = |words: &str| self.sandbox.output().iter().filter(|line| line.contains(words)).count() as u64;
        self.tally.add("attempts that lost their lease", says("left attempt"));
        self.tally.add("ends that came too late", says("had ended or been taken over"));
        let output = self.sandbox.output();
        let is_meant = |line: &String| !line.contains("panicked at") || line.contains("attempt 1 panics");
        let unmeant: Vec<_> = output.iter().filter(|line| !is_meant(line)).collect();
        assert!(unmeant.is_empty(), "a process panicked: {unmeant:#?}");
    }
}

async fn freeze(pid: u32, time: Duration, tally: &Tally) {
    tally.one("processes frozen");
    signal(pid, "STOP");
    tokio::time::sleep(time).await;
    signal(pid, "CONT");
}

/// The event that Lambda makes of messages.
pub fn event(messages: &[Message]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| json!({ "messageId": message.id, "receiptHandle": message.id, "body": message.body }))
        .collect();
    json!({ "Records": records })
}

/// The messages that a batch could not settle, by id.
pub fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap().iter();
    failures.map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect()
}
