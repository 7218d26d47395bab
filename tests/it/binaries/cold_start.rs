//! Cold starts of the release binaries, side by side with a function that does nothing.
//!
//! `scripts/cold-start` builds them and runs this; a run without them measures nothing and says so.

use super::tls::{HOST, deployed};
use super::{Stack, sample};
use crate::hosts::say;
use crate::support::binaries;
use crate::support::moto::moto;
use crate::support::runtime_api::{Memory, Sandbox};
use crate::support::tls::{self, Authority};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// Odd, so that the median is one of them.
const ROUNDS: usize = 101;

/// `/health/live` of `api` may take this much of what an echo takes.
const LIVE_LIMIT: f64 = 1.5;

/// A read with secrets and TLS may take this much of one without: more is a wait in which nobody does anything, such as for a
/// delayed acknowledgement.
const TLS_LIMIT: f64 = 4.0;

/// What the template gives `api`. With the database's URL instead, more would be read before the first request.
const DEPLOYED: [(&str, &str); 10] = [
    ("DATABASE_HOST", "database.example.com"),
    ("DATABASE_NAME", "errand"),
    ("DATABASE_PORT", "5432"),
    ("DATABASE_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:database"),
    ("ENVIRONMENT", "production"),
    ("EXPORT_BUCKET", "errand-exports"),
    ("LOG_FORMAT", "json"),
    ("LOG_LEVEL", "info"),
    ("QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/errand"),
    ("SIGNING_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:signing"),
];

/// What was measured of one kind of start, one of each round.
#[derive(Default)]
struct Starts {
    times: Vec<Duration>,
    memory: Vec<Memory>,
}

impl Starts {
    /// Starts a process, hands it an event that already waits, and notes when the answer was there.
    async fn measure(&mut self, sandbox: impl Future<Output = Sandbox>, event: &Value) -> Value {
        let mut sandbox = sandbox.await;
        let answer = sandbox.invoke(event).await.answer();
        self.times.push(sandbox.cold_start().unwrap());
        sandbox.idle().await;
        self.memory.extend(sandbox.resident_memory());
        sandbox.kill().await;
        answer
    }

    fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort();
        times[times.len() / 2]
    }
}

impl fmt::Display for Starts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut times = self.times.clone();
        times.sort();
        let (best, worst) = (times[0], times[times.len() - 1]);
        write!(f, "{:>6.2?} median, {best:.2?} to {worst:.2?}", self.median())?;
        let mut memory = self.memory.clone();
        memory.sort_by_key(|memory| memory.current_kib);
        if let Some(memory) = memory.get(memory.len() / 2) {
            write!(f, "; resident {} KiB, {} KiB at most", memory.current_kib, memory.peak_kib)?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn liveness_is_answered_almost_as_soon_as_by_an_echo() {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it through the environment")]
    if std::env::var_os("ERRAND_BIN_DIR").is_none() {
        return say("NOT MEASURED: binaries::cold_start: debug builds say nothing; run scripts/cold-start");
    }
    let (echo_binary, api_binary) = (binaries::path("echo"), binaries::path("api"));
    let stack = Stack::new().await.with("ENVIRONMENT", "production");
    let (_, token) = stack.account().await;
    let live = sample("api-get-live.json");
    let mut list = sample("api-get-tasks.json");
    list["headers"]["authorization"] = format!("Bearer {token}").into();
    let Some(moto) = moto().await else { return };
    let authority = Authority::new();
    let server = tls::server(&authority, HOST).await;
    let over_tls = deployed(moto, &server.url("errand"), &authority).await;
    let (_, its_token) = over_tls.account().await;
    let mut its_list = sample("api-get-tasks.json");
    its_list["headers"]["authorization"] = format!("Bearer {its_token}").into();
    let (mut echo, mut api_live) = (Starts::default(), Starts::default());
    let (mut api_read, mut api_read_over_tls) = (Starts::default(), Starts::default());

    for _ in 0..ROUNDS {
        assert_eq!(echo.measure(Sandbox::start(&echo_binary, &DEPLOYED), &live).await, live);
        assert_eq!(api_live.measure(Sandbox::start(&api_binary, &DEPLOYED), &live).await["statusCode"], 200);
        assert_eq!(api_read.measure(stack.start("api"), &list).await["statusCode"], 200);
        assert_eq!(api_read_over_tls.measure(over_tls.start("api"), &its_list).await["statusCode"], 200);
    }

    let share = |one: &Starts, other: &Starts| one.median().as_secs_f64() / other.median().as_secs_f64();
    let (live_share, tls_share) = (share(&api_live, &echo), share(&api_read_over_tls, &api_read));
    say(&format!(
        "binaries::cold_start, process start to first answer, {ROUNDS} rounds\n\
         echo               {echo}\n\
         api /health/live   {api_live}\n\
         api GET /v1/tasks  {api_read}\n\
         the same, with two secrets and TLS  {api_read_over_tls}\n\
         ratio of /health/live to echo: {live_share:.2}, of secrets and TLS to neither: {tls_share:.2}"
    ));
    assert!(live_share <= LIVE_LIMIT, "{live_share:.2}");
    assert!(tls_share <= TLS_LIMIT, "{tls_share:.2}");
}
