//! Ids: version 7 UUIDs, which sort by time, in one newtype for each kind of thing.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Makes an id that sorts after all earlier ones of this process.
            #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
            #[expect(clippy::new_without_default, reason = "a default that differs on each call would surprise")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A user, as the owner of rows.
    OwnerId
);
id!(
    /// A task.
    TaskId
);
id!(
    /// A job.
    JobId
);
id!(
    /// A webhook: an address that an owner registered.
    WebhookId
);
id!(
    /// One event on its way to one webhook; what the receiver knows as `webhook-id`.
    DeliveryId
);

/// Makes an id for something that has no type of its own, such as a request.
#[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
#[must_use]
pub fn anonymous() -> Uuid {
    Uuid::now_v7()
}
