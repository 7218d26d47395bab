//! Framing of PostgreSQL's protocol 3.0, and the text behind each statement that is run.
//!
//! Source: the chapter "Message Formats" of the PostgreSQL manual.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

/// What a connection begins with.
#[derive(Debug, PartialEq)]
pub(super) enum Opening {
    /// A question whether the connection may be encrypted (`SSLRequest`, `GSSENCRequest`).
    Encrypt,
    /// A request to cancel what another connection runs; nothing follows it.
    Cancel,
    /// The start of a session.
    Session,
}

/// Splits off the packet a connection begins with, once it is there in full; it has no type byte.
pub(super) fn take_opening(buffer: &mut BytesMut) -> Option<(Opening, Bytes)> {
    let length = number(buffer, 0)?;
    let opening = match number(buffer, 4)? {
        80_877_102 => Opening::Cancel,
        80_877_103 | 80_877_104 => Opening::Encrypt,
        _ => Opening::Session,
    };
    (buffer.len() >= length).then(|| (opening, buffer.split_to(length).freeze()))
}

/// Splits off one message, type byte and length included, once it is there in full.
pub(super) fn take_message(buffer: &mut BytesMut) -> Option<Bytes> {
    let length = number(buffer, 1)? + 1;
    (buffer.len() >= length).then(|| buffer.split_to(length).freeze())
}

fn number(buffer: &[u8], at: usize) -> Option<usize> {
    let bytes = buffer.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().unwrap()) as usize)
}

/// The statements one connection has prepared and bound.
#[derive(Default)]
pub(super) struct Statements {
    prepared: HashMap<String, String>,
    portals: HashMap<String, String>,
}

impl Statements {
    /// Follows a message of the client, and gives the SQL text if the message runs a statement.
    pub(super) fn follow(&mut self, message: &[u8]) -> Option<String> {
        let mut body = &message[5..];
        match message[0] {
            b'Q' => return Some(text(&mut body)),
            b'P' => {
                let name = text(&mut body);
                self.prepared.insert(name, text(&mut body));
            }
            b'B' => {
                let portal = text(&mut body);
                let statement = self.prepared.get(&text(&mut body));
                let statement = statement.map_or("(a statement the proxy has not seen)", |s| s);
                self.portals.insert(portal, statement.to_owned());
            }
            b'E' => return self.portals.get(&text(&mut body)).cloned(),
            b'C' if body[0] == b'S' => {
                self.prepared.remove(&text(&mut &body[1..]));
            }
            b'C' => {
                self.portals.remove(&text(&mut &body[1..]));
            }
            _ => {}
        }
        None
    }
}

/// Reads one string that ends with a zero byte.
fn text(body: &mut &[u8]) -> String {
    let end = body.iter().position(|byte| *byte == 0).unwrap();
    let text = String::from_utf8_lossy(&body[..end]).into_owned();
    *body = &body[end + 1..];
    text
}
