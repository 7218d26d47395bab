//! The kinds of job that this build can run.

use super::backoff::Backoff;
use super::job::{Failure, Job, OrDiscard as _, Outcome};
use super::{Context, LONGEST_LEASE, Payload};
use anyhow::Context as _;
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

type Run<S> = fn(Box<RawValue>, S, Context) -> BoxFuture<'static, Result<Outcome, Failure>>;

/// Every (kind, version) that this build can run.
pub struct Registry<S> {
    entries: HashMap<&'static str, BTreeMap<i16, Entry<S>>>,
}

pub(super) struct Entry<S> {
    pub(super) kind: &'static str,
    pub(super) run: Run<S>,
    pub(super) timeout: Duration,
    pub(super) backoff: Backoff,
    pub(super) max_age: Duration,
}

/// The registry in the shape of a statement's parameters.
#[derive(Debug, Default)]
pub(super) struct Supported {
    pub(super) kinds: Vec<String>,
    pub(super) versions: Vec<i16>,
    pub(super) leases: Vec<f64>,
}

impl<S> fmt::Debug for Registry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries.iter().map(|(kind, versions)| (kind, versions.keys()))).finish()
    }
}

impl<S> Default for Registry<S> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<S: Send + 'static> Registry<S> {
    /// Adds a kind.
    #[must_use]
    pub fn with<J: Job<S>>(self) -> Self {
        self.add::<J>(J::VERSION, run::<S, J, J>)
    }

    /// Adds an older version of a kind: its payloads are made into those of today, and run as such.
    #[must_use]
    pub fn with_old<Old: Payload + Into<J>, J: Job<S>>(self) -> Self {
        const {
            assert!(Old::VERSION < J::VERSION, "an old payload has a smaller version");
        }
        debug_assert_eq!(Old::KIND, J::KIND, "a kind is never renamed");
        self.add::<J>(Old::VERSION, run::<S, Old, J>)
    }

    fn add<J: Job<S>>(mut self, version: i16, run: Run<S>) -> Self {
        let entry = Entry { kind: J::KIND, run, timeout: J::TIMEOUT, backoff: J::BACKOFF, max_age: J::MAX_AGE };
        self.entries.entry(J::KIND).or_default().insert(version, entry);
        self
    }
}

impl<S> Registry<S> {
    pub(super) fn entry(&self, kind: &str, version: i16) -> Option<&Entry<S>> {
        self.entries.get(kind)?.get(&version)
    }

    pub(super) fn supported(&self) -> Supported {
        let mut supported = Supported::default();
        for (kind, versions) in &self.entries {
            for (version, entry) in versions {
                supported.kinds.push((*kind).to_owned());
                supported.versions.push(*version);
                supported.leases.push(entry.lease().as_secs_f64());
            }
        }
        supported
    }
}

impl<S> Entry<S> {
    /// How long a claim or a heartbeat keeps the job.
    pub(super) fn lease(&self) -> Duration {
        self.timeout.min(LONGEST_LEASE)
    }
}

fn run<S: Send + 'static, P: Payload + Into<J>, J: Job<S>>(
    payload: Box<RawValue>,
    state: S,
    context: Context,
) -> BoxFuture<'static, Result<Outcome, Failure>> {
    Box::pin(async move {
        let payload: P = serde_json::from_str(payload.get())
            .with_context(|| format!("the payload is not one of {} version {}", P::KIND, P::VERSION))
            .or_discard()?;
        let job: J = payload.into();
        job.run(state, context).await
    })
}
