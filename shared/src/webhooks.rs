//! Webhooks: addresses that owners register, and the events that are sent there.
//!
//! An event becomes one delivery and one job for each endpoint that hears of it, in the transaction of the change. The
//! form is that of [Standard Webhooks](https://www.standardwebhooks.com).

mod address;
mod deliveries;
mod endpoints;
mod event;
mod publish;
mod secret;

pub use address::{AddressError, LONGEST_URL, check_address};
pub use deliveries::{
    Attempt, Blame, Delivery, DeliveryState, Mission, PruneDeliveries, Replay, cancel, delivered, deliveries, mission,
    note, prune_deliveries, replay,
};
pub use endpoints::{
    Changes, CreateError, DisabledReason, Endpoint, EndpointState, MOST_ENDPOINTS, NewEndpoint, OVERLAP, create,
    delete, find, page, rotate_secret, update,
};
pub use event::{Event, EventType};
pub use publish::{Test, publish, test};
pub use secret::{NoRandomness, Secret};

use crate::ids::DeliveryId;
use crate::jobs::Payload;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// How long an endpoint may fail without a break. The next delivery that is given up after that disables it.
pub const PATIENCE: TimeDelta = TimeDelta::days(5);

/// The job that makes one delivery.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct DeliverWebhook {
    /// What to deliver.
    pub delivery: DeliveryId,
}

impl Payload for DeliverWebhook {
    const KIND: &'static str = "deliver_webhook";
    /// See the waits in `deliver_webhook.rs` of the worker: about a day.
    const MAX_ATTEMPTS: i32 = 18;
}
