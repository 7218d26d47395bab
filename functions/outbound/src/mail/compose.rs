//! A mail becomes a message, or is refused with the name of the field that is wrong.

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::{Address, address::Envelope};
use shared::outbound::{Mail, OutboundError};

/// Characters of a subject. The longest one of this project is a title with a few words before it.
const LONGEST_SUBJECT: usize = 500;

/// Characters of an address, after RFC 5321: 64, the at sign, 255.
const LONGEST_ADDRESS: usize = 320;

/// Bytes of a text. What is longer than this is not for a mail.
const LONGEST_TEXT: usize = 1024 * 1024;

/// Characters of an id: it also names a file.
const LONGEST_ID: usize = 128;

/// A message, ready to be handed on.
#[derive(Debug)]
pub(super) struct Composed {
    /// Its Message-ID, with the angle brackets.
    pub(super) id: String,
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn compose(mail: &Mail, from: &Mailbox, now: DateTime<Utc>) -> Result<Composed, OutboundError> {
    check_id(&mail.id)?;
    let to = recipient(&mail.to)?;
    check_subject(&mail.subject)?;
    if mail.text.len() > LONGEST_TEXT {
        return Err(refused("text", &format!("has more than {LONGEST_TEXT} bytes")));
    }

    let id = format!("<{}@{}>", mail.id, from.email.domain());
    let mut message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(&*mail.subject)
        .date(now.into())
        .message_id(Some(id.clone()))
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.clone())
        .map_err(|error| OutboundError::Refused { reason: format!("the mail cannot be composed: {error}") })?;
    // Holiday notices and the like are not sent in answer to such a mail (RFC 3834).
    let headers = message.headers_mut();
    headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    // SES puts a Message-ID of its own in the place of ours: this one stays.
    headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("X-Errand-Id"), mail.id.clone()));
    Ok(Composed { id, envelope: message.envelope().clone(), bytes: message.formatted() })
}

fn check_id(id: &str) -> Result<(), OutboundError> {
    let is_plain = id.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character));
    // A file must not be hidden, and an id must be one after RFC 5322, where no dot is at an end.
    let is_named = !id.is_empty() && id.len() <= LONGEST_ID && !id.starts_with('.') && !id.ends_with('.');
    if is_plain && is_named && !id.contains("..") {
        Ok(())
    } else {
        Err(refused("id", &format!("is not 1 to {LONGEST_ID} letters, digits, \"-\", \"_\" and single dots inside")))
    }
}

/// One address and nothing else: no name, no list, no line break that would begin another header.
fn recipient(to: &str) -> Result<Address, OutboundError> {
    if to.chars().any(char::is_control) {
        return Err(refused("to", "contains a control character"));
    }
    if to.chars().count() > LONGEST_ADDRESS {
        return Err(refused("to", &format!("has more than {LONGEST_ADDRESS} characters")));
    }
    to.parse().map_err(|error| refused("to", &format!("is not an e-mail address: {error}")))
}

fn check_subject(subject: &str) -> Result<(), OutboundError> {
    if subject.chars().any(|character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')) {
        return Err(refused("subject", "contains a line break or another control character"));
    }
    match subject.chars().count() {
        0 => Err(refused("subject", "is empty")),
        1..=LONGEST_SUBJECT => Ok(()),
        _ => Err(refused("subject", &format!("has more than {LONGEST_SUBJECT} characters"))),
    }
}

fn refused(field: &str, what: &str) -> OutboundError {
    OutboundError::Refused { reason: format!("the mail's \"{field}\" {what}") }
}
