//! HTTP calls to addresses that somebody else chose: only to the open internet, once, and for a limited time.

mod address;
mod answer;
mod names;
mod target;

pub use address::refusal;

use names::{CheckedNames, Forbidden};
use reqwest::redirect::Policy;
use shared::clock::Clock;
use shared::config::Reader;
use shared::outbound::{HttpCall, LONGEST_CALL, OutboundError, Reply};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tokio::time::timeout_at;

/// Where calls may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// To public addresses, encrypted.
    Internet,
    /// Anywhere, this machine and unencrypted ports included: for a laptop and for tests.
    Anywhere,
}

impl Reach {
    /// Reads `OUTBOUND_ALLOW_PRIVATE`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        match reader.text("OUTBOUND_ALLOW_PRIVATE").as_deref() {
            None | Some("off") => Self::Internet,
            Some("on") => Self::Anywhere,
            Some(other) => {
                reader.problem("OUTBOUND_ALLOW_PRIVATE", &format!("is \"{other}\", which is not one of on, off"));
                Self::Internet
            }
        }
    }
}

/// Makes HTTP calls; its client is made when first used.
#[derive(Debug)]
pub(crate) struct Http {
    client: OnceCell<reqwest::Client>,
    reach: Reach,
    clock: Clock,
}

impl Http {
    pub(crate) fn new(reach: Reach, clock: Clock) -> Self {
        Self { client: OnceCell::new(), reach, clock }
    }

    /// Makes a call. Every status is an answer; once it is there, a body that breaks off changes nothing.
    pub(crate) async fn call(&self, call: HttpCall) -> Result<Reply, OutboundError> {
        let started = Instant::now();
        let url = target::url(&call.url, self.reach)?;
        let headers = target::headers(&call.headers)?;
        let limit = Duration::from_millis(call.timeout_ms).min(LONGEST_CALL);
        let deadline = (started + limit).into();
        let client = self.client().await?;
        let sent = client.post(url).headers(headers).body(call.body).send();
        let answer = match timeout_at(deadline, sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(unanswered(error)),
            Err(_) => {
                let reason = format!("there was no answer within {} ms", limit.as_millis());
                return Err(OutboundError::Failed { reason });
            }
        };
        let status = answer.status().as_u16();
        let retry_after_s = answer::retry_after(answer.headers(), self.clock.now());
        let body = answer::body(answer, deadline).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Reply::Answered { status, retry_after_s, body, duration_ms })
    }

    async fn client(&self) -> Result<&reqwest::Client, OutboundError> {
        let made = self.client.get_or_try_init(async || build(self.reach)).await;
        made.map_err(|error| OutboundError::Unavailable(anyhow::Error::new(error)))
    }
}

/// No redirect is followed and no proxy is asked, so the address that was checked is the one that is called. No
/// connection is kept: a frozen sandbox would find it dead, and each call shall have its address checked anew.
fn build(reach: Reach) -> reqwest::Result<reqwest::Client> {
    shared::tls::install();
    #[expect(clippy::disallowed_methods, reason = "each call brings its own limit, and LONGEST_CALL holds for all")]
    reqwest::Client::builder()
        .timeout(LONGEST_CALL)
        .connect_timeout(Duration::from_secs(10))
        .redirect(Policy::none())
        .no_proxy()
        .https_only(reach == Reach::Internet)
        .dns_resolver(Arc::new(CheckedNames { reach }))
        .pool_max_idle_per_host(0)
        .user_agent(concat!("Errand/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Says why there is no answer, without the URL: its path may be a secret.
fn unanswered(error: reqwest::Error) -> OutboundError {
    let error = error.without_url();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(forbidden) = current.downcast_ref::<Forbidden>() {
            return OutboundError::Refused { reason: forbidden.to_string() };
        }
        cause = current.source();
    }
    OutboundError::Failed { reason: format!("{:#}", anyhow::Error::new(error)) }
}
