//! Where those who measure listen. The engine measures nothing but time.

use super::End;
use std::time::Duration;

/// One attempt that is over.
#[derive(Clone, Copy, Debug)]
pub struct Attempted {
    /// The kind of its job.
    pub kind: &'static str,
    /// How long the job was due when the attempt was claimed.
    pub waited: Duration,
    /// How long the attempt ran; writing down how it ended is not part of it.
    pub ran: Duration,
}

/// Hears how attempts end. It is called in the loop that runs them all: it must not wait.
pub trait Observer: Send + Sync {
    /// An attempt is over, and how it ended is written down, unless the end says otherwise.
    fn ended(&self, attempt: Attempted, end: End);
}
