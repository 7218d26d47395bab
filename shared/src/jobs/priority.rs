//! Which jobs go first.

use serde::{Deserialize, Serialize};

/// Of the jobs that wait without a queue, those with the smaller number run first, whoever owns them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Priority(pub i16);

impl Priority {
    /// Before all usual jobs.
    pub const HIGH: Self = Self(-10);
    /// The usual.
    pub const NORMAL: Self = Self(0);
    /// When there is nothing else to do.
    pub const LOW: Self = Self(10);
}
