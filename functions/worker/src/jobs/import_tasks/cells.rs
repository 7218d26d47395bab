//! CSV after RFC 4180, byte by byte: rows of cells, from input that comes in parts.
//!
//! The `csv` crate takes a quote that is never closed for a very long cell; here it is a mistake that is named. Between
//! two rows there is no state, so reading can go on at the start of any row.

use super::LARGEST_ROW;
use super::rows::Broken;
use shared::fields::Mistake;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    /// Before a row.
    #[default]
    Row,
    /// Before a cell.
    Cell,
    /// In a cell without quotes.
    Plain,
    /// In a cell with quotes.
    Quoted,
    /// After a quote in such a cell: the first of two, or the end.
    Quote,
}

/// One row, while it is read and when it is complete.
#[derive(Debug, Default)]
pub(super) struct Cells {
    state: State,
    /// The cells, one after the other.
    bytes: Vec<u8>,
    /// Where each cell ends.
    ends: Vec<usize>,
    is_complete: bool,
    is_too_long: bool,
    is_misquoted: bool,
}

impl Cells {
    /// Takes bytes until a row is complete, and tells how many it took and whether one is.
    pub(super) fn feed(&mut self, input: &[u8]) -> (usize, bool) {
        if self.is_complete {
            self.clear();
        }
        for (position, byte) in input.iter().enumerate() {
            self.step(*byte);
            if self.is_complete {
                return (position + 1, true);
            }
        }
        (input.len(), false)
    }

    /// Takes the end of the file, and tells whether it completes a row.
    pub(super) fn finish(&mut self) -> Result<bool, Broken> {
        if self.is_complete {
            self.clear();
        }
        match self.state {
            State::Row => Ok(false),
            State::Quoted => Err(Broken("a quote is opened and never closed".to_owned())),
            State::Cell | State::Plain | State::Quote => {
                self.end_row();
                Ok(true)
            }
        }
    }

    /// Returns the cells of the complete row.
    pub(super) fn row(&self) -> Result<Vec<&str>, Mistake> {
        if self.is_too_long {
            return Err(Mistake::new("", "too_long", format!("a row may have {LARGEST_ROW} bytes at most")));
        }
        if self.is_misquoted {
            let message = "a cell that begins with a quote must end with one, and quotes in it are doubled";
            return Err(Mistake::new("", "malformed", message));
        }
        let mut start = 0;
        let mut row = Vec::with_capacity(self.ends.len());
        for end in &self.ends {
            let cell = self.bytes.get(start..*end).unwrap_or_default();
            let Ok(cell) = str::from_utf8(cell) else {
                return Err(Mistake::new("", "malformed", "the row is not written in UTF-8"));
            };
            row.push(cell);
            start = *end;
        }
        Ok(row)
    }

    fn step(&mut self, byte: u8) {
        let is_newline = matches!(byte, b'\r' | b'\n');
        match (self.state, byte) {
            // Empty lines are no rows; the second byte of CR LF looks like one.
            (State::Row, _) if is_newline => {}
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quoted, _) => self.push(byte),
            (State::Quote, b'"') => {
                self.push(byte);
                self.state = State::Quoted;
            }
            (_, b',') => {
                self.end_cell();
                self.state = State::Cell;
            }
            (_, _) if is_newline => self.end_row(),
            (State::Row | State::Cell, b'"') => self.state = State::Quoted,
            (state, _) => {
                self.is_misquoted |= state == State::Quote;
                self.push(byte);
                self.state = State::Plain;
            }
        }
    }

    fn push(&mut self, byte: u8) {
        if self.has_space() {
            self.bytes.push(byte);
        }
    }

    fn end_cell(&mut self) {
        if self.has_space() {
            self.ends.push(self.bytes.len());
        }
    }

    /// A row that is too long is read over, not kept. Commas count as well: a row may have nothing else.
    fn has_space(&mut self) -> bool {
        self.is_too_long |= self.bytes.len() + self.ends.len() >= LARGEST_ROW;
        !self.is_too_long
    }

    fn end_row(&mut self) {
        self.end_cell();
        self.state = State::Row;
        self.is_complete = true;
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        (self.is_complete, self.is_too_long, self.is_misquoted) = (false, false, false);
    }
}
