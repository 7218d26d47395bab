//! What is read of an answer: little, and not for long.

use chrono::{DateTime, Utc};
use reqwest::Response;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use shared::outbound::BODY_BYTES;
use tokio::time::{Instant, timeout_at};

/// Reads the beginning of the body, until the deadline at the latest. U+0000, which PostgreSQL cannot keep, becomes
/// U+FFFD, as does what is not UTF-8.
pub(super) async fn body(mut answer: Response, deadline: Instant) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < BODY_BYTES
        && let Ok(Ok(Some(chunk))) = timeout_at(deadline, answer.chunk()).await
    {
        let room = BODY_BYTES - bytes.len();
        bytes.extend(chunk.iter().take(room));
    }
    String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}")
}

/// Reads the header in both its forms, seconds and a date; a date that is over is 0.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    let left = date.signed_duration_since(now).num_seconds();
    Some(u64::try_from(left).unwrap_or(0))
}
