//! What goes in and comes out, and what is refused.

use crate::ApiError;
use crate::extract::{Fields, given};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use shared::webhooks::{
    Changes, DisabledReason, Endpoint, EndpointState, EventType, LONGEST_URL, NewEndpoint, Secret, check_address,
};
use utoipa::ToSchema;
use uuid::Uuid;

/// A new webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct WebhookIn {
    /// `https://…` on the internet, at most 2,000 bytes.
    #[schema(example = "https://example.com/hooks")]
    url: String,
    /// What to hear of, each once.
    event_types: Vec<EventTypeIn>,
}

/// Changes of a webhook; what is not sent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct WebhookPatch {
    /// `https://…` on the internet, at most 2,000 bytes.
    #[serde(default, deserialize_with = "given")]
    url: Option<String>,
    /// What to hear of, each once.
    #[serde(default, deserialize_with = "given")]
    event_types: Option<Vec<EventTypeIn>>,
    #[serde(default, deserialize_with = "given")]
    state: Option<WebhookState>,
}

/// A kind of event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ToSchema)]
#[schema(as = EventType)]
enum EventTypeIn {
    #[serde(rename = "task.created")]
    TaskCreated,
    #[serde(rename = "task.updated")]
    TaskUpdated,
    #[serde(rename = "task.completed")]
    TaskCompleted,
    #[serde(rename = "task.deleted")]
    TaskDeleted,
    #[serde(rename = "export.finished")]
    ExportFinished,
}

/// Whether events are sent there.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WebhookState {
    Enabled,
    Disabled,
}

/// Why a webhook is disabled: its owner wanted it, it answered `410 Gone`, or it failed for days.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DisabledReasonOut {
    Owner,
    Gone,
    Failing,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::routes) struct WebhookOut {
    pub(super) id: Uuid,
    url: String,
    /// What it hears of.
    #[schema(example = json!(["task.created", "task.completed"]))]
    event_types: Vec<String>,
    state: WebhookState,
    /// Why it is disabled; `null` while it is not.
    disabled_reason: Option<DisabledReasonOut>,
    /// Failed calls since the last one that succeeded.
    failures: i32,
    /// When the first of these was.
    failing_since: Option<DateTime<Utc>>,
    /// Until when the secret before the latest rotation signs too.
    previous_secret_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A webhook and its new secret.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: WebhookOut,
    /// Signs what is sent there. It is not shown again.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: String,
}

impl WebhookIn {
    pub(super) fn parse(self, allow_private: bool, secret: Secret) -> Result<NewEndpoint, ApiError> {
        let mut fields = Fields::default();
        check_url(&mut fields, &self.url, allow_private);
        check_event_types(&mut fields, &self.event_types);
        fields.check()?;
        Ok(NewEndpoint { url: self.url, event_types: event_types(&self.event_types), secret })
    }
}

impl WebhookPatch {
    pub(super) fn parse(self, allow_private: bool) -> Result<Changes, ApiError> {
        let mut fields = Fields::default();
        if let Some(url) = &self.url {
            check_url(&mut fields, url, allow_private);
        }
        if let Some(event_types) = &self.event_types {
            check_event_types(&mut fields, event_types);
        }
        fields.check()?;
        let state = self.state.map(|state| match state {
            WebhookState::Enabled => EndpointState::Enabled,
            WebhookState::Disabled => EndpointState::Disabled,
        });
        Ok(Changes { url: self.url, event_types: self.event_types.as_deref().map(event_types), state })
    }
}

impl WebhookWithSecret {
    pub(super) fn new(webhook: Endpoint, secret: &Secret) -> Self {
        Self { webhook: webhook.into(), secret: secret.text().expose_secret().to_owned() }
    }
}

fn check_url(fields: &mut Fields, url: &str, allow_private: bool) {
    if url.len() > LONGEST_URL {
        fields.wrong("url", "too_long", format!("must have at most {LONGEST_URL} bytes, and has {}", url.len()));
    } else if let Err(error) = check_address(url, allow_private) {
        fields.wrong("url", "not_allowed", error.to_string());
    }
}

fn check_event_types(fields: &mut Fields, event_types: &[EventTypeIn]) {
    if event_types.is_empty() {
        fields.wrong("event_types", "too_short", "must name at least one type of event");
    }
    for (index, event_type) in event_types.iter().enumerate() {
        if event_types.iter().take(index).any(|earlier| earlier == event_type) {
            fields.wrong(format!("event_types[{index}]"), "duplicate", "is in the list already");
        }
    }
}

fn event_types(event_types: &[EventTypeIn]) -> Vec<EventType> {
    let event_types = event_types.iter().map(|event_type| match event_type {
        EventTypeIn::TaskCreated => EventType::TaskCreated,
        EventTypeIn::TaskUpdated => EventType::TaskUpdated,
        EventTypeIn::TaskCompleted => EventType::TaskCompleted,
        EventTypeIn::TaskDeleted => EventType::TaskDeleted,
        EventTypeIn::ExportFinished => EventType::ExportFinished,
    });
    event_types.collect()
}

impl From<Endpoint> for WebhookOut {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id.0,
            url: endpoint.url,
            event_types: endpoint.event_types,
            state: match endpoint.state {
                EndpointState::Enabled => WebhookState::Enabled,
                EndpointState::Disabled => WebhookState::Disabled,
            },
            disabled_reason: endpoint.disabled_reason.map(|reason| match reason {
                DisabledReason::Owner => DisabledReasonOut::Owner,
                DisabledReason::Gone => DisabledReasonOut::Gone,
                DisabledReason::Failing => DisabledReasonOut::Failing,
            }),
            failures: endpoint.failures,
            failing_since: endpoint.failing_since,
            previous_secret_until: endpoint.previous_secret_until,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}
