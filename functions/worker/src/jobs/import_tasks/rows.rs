//! From bytes to tasks: what kind of file it is, and its rows one after the other.

use super::cells::Cells;
use super::columns::{self, Columns};
use super::file::File;
use super::values::Values;
use serde::{Deserialize, Serialize};
use shared::exports::Format;
use shared::fields::Mistake;
use shared::imports::ImportTasks;
use shared::jobs::Failure;
use shared::storage::Storage;
use shared::tasks::NewTask;

const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
const UTF16_MARKS: [&[u8]; 2] = [&[0xFE, 0xFF], &[0xFF, 0xFE]];

/// The file cannot be read any further; says why.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

/// Why there is no further row.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file is at fault.
    Broken(String),
    /// The storage is.
    Failed(Failure),
}

impl From<Broken> for Stop {
    fn from(Broken(reason): Broken) -> Self {
        Self::Broken(reason)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// How the rows of a file are written: all that must be known to go on in the middle.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Layout {
    /// CSV whose header has named these columns.
    Columns(Vec<String>),
    /// The items of one JSON array.
    Array,
    /// A JSON object a line.
    Lines,
}

enum Parser {
    Csv(Cells, Columns),
    Json(Values),
}

/// The rows of a file.
pub(super) struct Rows<'a> {
    file: File<'a>,
    parser: Parser,
    /// Where the latest row ended.
    offset: u64,
}

impl<'a> Rows<'a> {
    /// Opens a file at its start.
    pub(super) async fn open(storage: &'a Storage, import: &'a ImportTasks) -> Result<Self, Stop> {
        let mut file = File::new(storage, import, 0);
        let start = file.peek().await?;
        if UTF16_MARKS.iter().any(|mark| start.starts_with(mark)) {
            return Err(Stop::Broken("the file is written in UTF-16: save it in UTF-8".to_owned()));
        }
        if start.starts_with(UTF8_MARK) {
            file.take(UTF8_MARK.len());
        }
        let parser = match import.format {
            Format::Csv => Parser::Csv(Cells::default(), header(&mut file).await?),
            Format::Json => Parser::Json(list(&mut file).await?),
        };
        let offset = file.offset();
        Ok(Self { file, parser, offset })
    }

    /// Goes on after a row that ended here.
    pub(super) fn resume(storage: &'a Storage, import: &'a ImportTasks, offset: u64, layout: Layout) -> Self {
        let parser = match layout {
            Layout::Columns(names) => Parser::Csv(Cells::default(), Columns::named(&names)),
            Layout::Array => Parser::Json(Values::further_items()),
            Layout::Lines => Parser::Json(Values::lines()),
        };
        Self { file: File::new(storage, import, offset), parser, offset }
    }

    /// Where the latest row ended.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// How further rows are written.
    pub(super) fn layout(&self) -> Layout {
        match &self.parser {
            Parser::Csv(_, columns) => Layout::Columns(columns.names()),
            Parser::Json(values) if values.is_array() => Layout::Array,
            Parser::Json(_) => Layout::Lines,
        }
    }

    /// Reads the next row: a task, or what is wrong with it; `None` at the end of the file.
    pub(super) async fn next(&mut self) -> Result<Option<Result<NewTask, Vec<Mistake>>>, Stop> {
        let is_there = match &mut self.parser {
            Parser::Csv(cells, _) => next_cells(&mut self.file, cells).await?,
            Parser::Json(values) => next_value(&mut self.file, values).await?,
        };
        if !is_there {
            return Ok(None);
        }
        self.offset = self.file.offset();
        Ok(Some(match &self.parser {
            Parser::Csv(cells, columns) => cells.row().map_err(|one| vec![one]).and_then(|row| columns.task(&row)),
            Parser::Json(values) => values.row().map_err(|one| vec![one]).and_then(|row| columns::task(&row)),
        }))
    }
}

async fn next_cells(file: &mut File<'_>, cells: &mut Cells) -> Result<bool, Stop> {
    loop {
        let part = file.peek().await?;
        if part.is_empty() {
            return Ok(cells.finish()?);
        }
        let (taken, is_complete) = cells.feed(&part);
        file.take(taken);
        if is_complete {
            return Ok(true);
        }
    }
}

async fn next_value(file: &mut File<'_>, values: &mut Values) -> Result<bool, Stop> {
    loop {
        let part = file.peek().await?;
        if part.is_empty() {
            return Ok(values.finish()?);
        }
        let (taken, is_complete) = values.feed(&part)?;
        file.take(taken);
        if is_complete {
            return Ok(true);
        }
    }
}

async fn header(file: &mut File<'_>) -> Result<Columns, Stop> {
    let mut cells = Cells::default();
    if !next_cells(file, &mut cells).await? {
        return Err(empty());
    }
    let names = cells.row().map_err(|mistake| Broken(format!("the header cannot be read: {}", mistake.message)))?;
    Ok(Columns::of_header(&names)?)
}

async fn list(file: &mut File<'_>) -> Result<Values, Stop> {
    loop {
        let part = file.peek().await?;
        if part.is_empty() {
            return Err(empty());
        }
        match part.iter().position(|byte| !byte.is_ascii_whitespace()) {
            None => file.take(part.len()),
            Some(position) if part.get(position) == Some(&b'[') => {
                file.take(position + 1);
                return Ok(Values::items());
            }
            Some(position) => {
                file.take(position);
                return Ok(Values::lines());
            }
        }
    }
}

fn empty() -> Stop {
    Stop::Broken("the file is empty".to_owned())
}
