//! A job to be written.

use super::Priority;
use super::job::Payload;
use super::text::storable;
use super::unique::Unique;
use crate::ids::{JobId, OwnerId};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A job to be written.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub(super) id: JobId,
    pub(super) kind: &'static str,
    pub(super) version: i16,
    pub(super) payload: Value,
    pub(super) owner: Option<OwnerId>,
    pub(super) priority: Priority,
    pub(super) run_at: Option<DateTime<Utc>>,
    pub(super) max_attempts: i32,
    pub(super) unique: Option<Unique>,
}

impl NewJob {
    /// Makes a job of the system that is to run now.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON.
    pub fn new<P: Payload>(payload: &P) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: JobId::new(),
            kind: P::KIND,
            version: P::VERSION,
            payload: storable(serde_json::to_value(payload)?),
            owner: None,
            priority: P::PRIORITY,
            run_at: None,
            max_attempts: P::MAX_ATTEMPTS,
            unique: None,
        })
    }

    /// The id that the job's row will have, unless it joins another.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Makes it a user's.
    #[must_use]
    pub fn owned_by(mut self, owner: OwnerId) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Lets it start at a time instead of now.
    #[must_use]
    pub fn at(mut self, run_at: DateTime<Utc>) -> Self {
        self.run_at = Some(run_at);
        self
    }

    /// Lets it run before or after others, instead of where its kind belongs.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Lets it join an earlier job of its kind that has the same key, instead of being written.
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = Some(unique);
        self
    }
}
