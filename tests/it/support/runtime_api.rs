//! A sandbox of AWS Lambda on this machine: a real function binary, driven through a stub of the
//! Runtime API.
//!
//! The process sees what it would see on Lambda: the variables, the headers, an event that already
//! waits when it first asks. What Lambda does around it (retries, scaling, killing at the deadline)
//! is left to the test.

mod process;
mod server;
mod stub;

use std::{
    net::Ipv4Addr,
    path::Path,
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet, time};

pub use self::process::Memory;
use self::{process::Process, stub::Stub};

/// How long Lambda lets a process start before it gives up.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long an answer may come after the deadline before the invocation counts as timed out.
const GRACE: Duration = Duration::from_secs(1);

/// How one invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Invocation {
    /// The function answered.
    Answer(Value),
    /// The function reported an error (`errorType`, `errorMessage`), or its answer was too large
    /// for Lambda.
    Error(Value),
    /// The process ended without an answer.
    Died(ExitStatus),
    /// Neither came within the deadline and a second; the process is left as it is.
    TimedOut,
}

impl Invocation {
    /// The answer; fails the test when there is none.
    #[track_caller]
    pub fn answer(self) -> Value {
        match self {
            Self::Answer(answer) => answer,
            other => panic!("the function did not answer: {other:?}"),
        }
    }
}

/// One function process with the Runtime API it talks to; dropping it kills the process.
pub struct Sandbox {
    process: Process,
    stub: Arc<Stub>,
    spawned: Instant,
    deadline: Duration,
    _tasks: JoinSet<()>,
}

impl Sandbox {
    /// Starts `binary` with only `environment` and the variables Lambda sets itself, and waits for
    /// nothing.
    pub async fn start(binary: &Path, environment: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let function = process::function_name(binary);
        let stub = Arc::new(Stub::new(&function));
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(listener, Arc::clone(&stub)));

        let spawned = Instant::now();
        let process = Process::spawn(binary, &function, address, environment);

        Self { process, stub, spawned, deadline: Duration::from_secs(30), _tasks: tasks }
    }

    /// Sets the time each invocation gets, 30 seconds unless said otherwise.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Hands `event` to the function and waits for how it ends.
    ///
    /// The deadline runs from the moment the process takes the event, as on Lambda. The wait is
    /// bounded by it and a second; a process that has not yet asked for its first event gets ten
    /// seconds more to start.
    pub async fn invoke(&mut self, event: &Value) -> Invocation {
        let answer = self.stub.post(event, self.deadline);
        let limit = async {
            if time::timeout(START_LIMIT, self.stub.started()).await.is_ok() {
                time::sleep(self.deadline + GRACE).await;
            }
        };

        tokio::select! {
            biased;
            Ok(invocation) = answer => invocation,
            status = self.process.ended() => Invocation::Died(status),
            () = limit => Invocation::TimedOut,
        }
    }

    /// Waits until the process asks for its next event, the point at which Lambda freezes it.
    ///
    /// What it logged about the last invocation is in [`Self::output`] by then.
    pub async fn idle(&self) {
        time::timeout(START_LIMIT, self.stub.idle()).await.expect("the function asks for its next event");
    }

    /// Waits as [`Self::idle`] does; tells whether the process lived to see it.
    pub async fn comes_to_rest(&mut self) -> bool {
        tokio::select! {
            biased;
            _ = self.process.ended() => false,
            () = self.stub.idle() => true,
        }
    }

    /// The time from starting the process to its first answer, once there is one.
    pub fn cold_start(&self) -> Option<Duration> {
        self.stub.first_answer().map(|answered| answered - self.spawned)
    }

    /// Kills the process at once and waits until it is gone.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Stops the process where it is, as Lambda does between invocations.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The lines written so far to standard output and standard error, in the order they were
    /// written.
    pub fn output(&self) -> Vec<String> {
        self.process.output()
    }

    /// The memory of the process, or `None` where there is no `/proc` or the process is gone.
    pub fn resident_memory(&self) -> Option<Memory> {
        self.process.resident_memory()
    }
}
