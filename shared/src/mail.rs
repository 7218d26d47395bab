//! Mail: the job that sends one.

use crate::jobs::Payload;
use serde::{Deserialize, Serialize};

/// The job that sends a mail.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SendEmail {
    /// The recipient's address.
    pub to: String,
    /// One line, 1 to 500 characters.
    pub subject: String,
    /// The text.
    pub text: String,
}

impl Payload for SendEmail {
    const KIND: &'static str = "send_email";

    /// With the waits of the kind (15 s, 30 s, … 1 h) a mail host may be away for two to four hours.
    const MAX_ATTEMPTS: i32 = 12;
}
