//! JSON values from input that comes in parts: the items of one array, or one value a line (NDJSON).
//!
//! Only where a value ends is found here; what is in it is `serde_json`'s to say.

use super::LARGEST_ROW;
use super::rows::Broken;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use shared::fields::Mistake;
use std::fmt;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// After the opening bracket.
    First,
    /// In an item, so many brackets deep, or in a bare word.
    Item { depth: u32 },
    /// In a text, in an item.
    Text { depth: u32, is_escaped: bool },
    /// After an item.
    After,
    /// After a comma.
    Next,
    /// After the closing bracket.
    End,
    /// In an array of lines, anywhere.
    Line,
}

/// One value, while it is read and when it is complete.
#[derive(Debug)]
pub(super) struct Values {
    place: Place,
    bytes: Vec<u8>,
    is_complete: bool,
    is_too_long: bool,
}

impl Values {
    /// Reads the items of an array, whose opening bracket has been read.
    pub(super) fn items() -> Self {
        Self::at(Place::First)
    }

    /// Goes on reading the items of an array, after an item.
    pub(super) fn further_items() -> Self {
        Self::at(Place::After)
    }

    /// Reads lines, from the start of one.
    pub(super) fn lines() -> Self {
        Self::at(Place::Line)
    }

    pub(super) fn is_array(&self) -> bool {
        self.place != Place::Line
    }

    fn at(place: Place) -> Self {
        Self { place, bytes: Vec::new(), is_complete: false, is_too_long: false }
    }

    /// Takes bytes until a value is complete, and tells how many it took and whether one is.
    pub(super) fn feed(&mut self, input: &[u8]) -> Result<(usize, bool), Broken> {
        self.clear();
        for (position, byte) in input.iter().enumerate() {
            let is_taken = self.step(*byte)?;
            if self.is_complete {
                return Ok((position + usize::from(is_taken), true));
            }
        }
        Ok((input.len(), false))
    }

    /// Takes the end of the file, and tells whether it completes a value.
    pub(super) fn finish(&mut self) -> Result<bool, Broken> {
        self.clear();
        match self.place {
            Place::End => Ok(false),
            Place::Line => {
                self.is_complete = !self.is_blank();
                Ok(self.is_complete)
            }
            _ => Err(Broken("the list is not closed: the file may have been cut off".to_owned())),
        }
    }

    /// Returns the fields of the complete value, in its order.
    pub(super) fn row(&self) -> Result<Vec<(String, Value)>, Mistake> {
        if self.is_too_long {
            return Err(Mistake::new("", "too_long", format!("a row may have {LARGEST_ROW} bytes at most")));
        }
        if str::from_utf8(&self.bytes).is_err() {
            return Err(Mistake::new("", "malformed", "the row is not written in UTF-8"));
        }
        match serde_json::from_slice::<Fields>(&self.bytes) {
            Ok(Fields(fields)) => Ok(fields),
            Err(error) if error.is_data() => Err(Mistake::new("", "wrong_type", "must be an object")),
            Err(error) => Err(Mistake::new("", "malformed", format!("is not JSON: {error}"))),
        }
    }

    /// Takes one byte; not taken is one that only shows that the value before it has ended.
    fn step(&mut self, byte: u8) -> Result<bool, Broken> {
        let is_space = byte.is_ascii_whitespace();
        match (self.place, byte) {
            (Place::Line, b'\n') if self.is_blank() => self.forget(),
            (Place::Line, b'\n') => self.is_complete = true,
            (Place::Text { depth, is_escaped: true }, _) => {
                self.goes_on(byte, Place::Text { depth, is_escaped: false });
            }
            (Place::Text { depth, .. }, b'\\') => self.goes_on(byte, Place::Text { depth, is_escaped: true }),
            (Place::Text { depth, .. }, b'"') => self.goes_on(byte, Place::Item { depth }),
            (Place::Item { depth }, b'"') => self.goes_on(byte, Place::Text { depth, is_escaped: false }),
            (Place::Item { depth }, b'[' | b'{') => self.goes_on(byte, Place::Item { depth: depth.saturating_add(1) }),
            // Outside of brackets, an item is a text or a bare word, which ends where something else begins.
            (Place::Item { depth: 0 }, b',' | b']') => {
                self.ends();
                return Ok(false);
            }
            (Place::Item { depth: 0 }, _) if is_space => self.ends(),
            (Place::Item { depth }, b']' | b'}') => {
                self.goes_on(byte, Place::Item { depth: depth.saturating_sub(1) });
                if depth <= 1 {
                    self.ends();
                }
            }
            (Place::Line | Place::Text { .. } | Place::Item { .. }, _) => self.push(byte),
            (_, _) if is_space => {}
            (Place::After, b',') => self.place = Place::Next,
            (Place::First | Place::After, b']') => self.place = Place::End,
            (Place::First | Place::Next, b'{' | b'[') => self.goes_on(byte, Place::Item { depth: 1 }),
            (Place::First | Place::Next, b'"') => self.goes_on(byte, Place::Text { depth: 0, is_escaped: false }),
            (Place::First | Place::Next, byte) if !matches!(byte, b',' | b']' | b'}' | b':') => {
                self.goes_on(byte, Place::Item { depth: 0 });
            }
            (Place::End, _) => return Err(Broken("something follows the end of the list".to_owned())),
            _ => return Err(Broken("the list is not JSON: a comma or an item is not where it should be".to_owned())),
        }
        Ok(true)
    }

    fn goes_on(&mut self, byte: u8, place: Place) {
        self.push(byte);
        self.place = place;
    }

    /// What is too long is read over, not kept.
    fn push(&mut self, byte: u8) {
        self.is_too_long |= self.bytes.len() >= LARGEST_ROW;
        if !self.is_too_long {
            self.bytes.push(byte);
        }
    }

    fn ends(&mut self) {
        self.place = Place::After;
        self.is_complete = true;
    }

    fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }

    /// Makes room for the next value.
    fn clear(&mut self) {
        if self.is_complete {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.bytes.clear();
        (self.is_complete, self.is_too_long) = (false, false);
    }
}

/// An object as it is written: with the order of its fields, and with those that are there twice.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
