//! From a row to a task: the columns there are, and how each is read.

use super::rows::Broken;
use chrono::{DateTime, Utc};
use serde::Deserialize as _;
use serde_json::Value;
use shared::fields::Mistake;
use shared::tasks::{NewTask, Status};

/// What a message repeats of a file at most, in characters.
const LONGEST_QUOTE: usize = 40;

/// Every column of an export. Those that the server makes are read over, because an imported task is a new one; so is the
/// reminder, because a file must not make a crowd of mails.
const COLUMNS: [Column; 12] = [
    read_over("id"),
    given("title", |task, cell| cell.text().map(|value| task.title = value)),
    given("description", |task, cell| cell.text().map(|value| task.description = value)),
    given("status", |task, cell| cell.status().map(|value| task.status = value)),
    given("priority", |task, cell| cell.number().map(|value| task.priority = value)),
    given("tags", |task, cell| cell.texts().map(|value| task.tags = value)),
    given("due_at", |task, cell| cell.time().map(|value| task.due_at = value)),
    read_over("remind_at"),
    read_over("created_at"),
    read_over("updated_at"),
    read_over("completed_at"),
    read_over("version"),
];

/// The column without which there is no task.
const NEEDED: &str = "title";

struct Column {
    name: &'static str,
    read: Option<Read>,
}

/// Puts what a cell says into a task.
type Read = fn(&mut NewTask, Cell<'_>) -> Result<(), Wrong>;

/// What is wrong with a cell: code and message.
type Wrong = (&'static str, String);

const fn given(name: &'static str, read: Read) -> Column {
    Column { name, read: Some(read) }
}

const fn read_over(name: &'static str) -> Column {
    Column { name, read: None }
}

/// What is in one field.
#[derive(Clone, Copy)]
enum Cell<'a> {
    /// Of CSV, which knows texts alone; an empty one means what an absent field means in JSON.
    Text(&'a str),
    Json(&'a Value),
}

/// The columns of one CSV file, in its order.
pub(super) struct Columns(Vec<&'static Column>);

impl Columns {
    /// Reads a header.
    pub(super) fn of_header(names: &[&str]) -> Result<Self, Broken> {
        let mut columns: Vec<&Column> = Vec::with_capacity(names.len());
        for name in names {
            let name = name.trim();
            let Some(column) = find(name) else {
                let known: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
                let hint = if name.contains([';', '\t']) { ", and commas stand between them" } else { "" };
                return Err(Broken(format!(
                    "the header has the column {}, which does not exist; the columns are {}{hint}",
                    quote(name),
                    known.join(", "),
                )));
            };
            if columns.iter().any(|known| known.name == column.name) {
                return Err(Broken(format!("the header has the column {} twice", quote(name))));
            }
            columns.push(column);
        }
        if !columns.iter().any(|column| column.name == NEEDED) {
            return Err(Broken(format!("the header has no column \"{NEEDED}\"")));
        }
        Ok(Self(columns))
    }

    /// The columns of these names; those that are not known are none.
    pub(super) fn named(names: &[String]) -> Self {
        Self(names.iter().filter_map(|name| find(name)).collect())
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().map(|column| column.name.to_owned()).collect()
    }

    /// Makes a task of a row, or says what is wrong with it.
    pub(super) fn task(&self, row: &[&str]) -> Result<NewTask, Vec<Mistake>> {
        if row.len() != self.0.len() {
            let message = format!("the row has {} cells, and the header has {}", row.len(), self.0.len());
            return Err(vec![Mistake::new("", "malformed", message)]);
        }
        read(self.0.iter().zip(row).map(|(column, cell)| (*column, Cell::Text(cell))), Vec::new())
    }
}

/// Makes a task of an object, or says what is wrong with it.
pub(super) fn task(fields: &[(String, Value)]) -> Result<NewTask, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut cells: Vec<(&Column, Cell<'_>)> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        match find(name) {
            None => mistakes.push(Mistake::new(name, "unknown", format!("there is no field {}", quote(name)))),
            Some(column) if cells.iter().any(|(known, _)| known.name == column.name) => {
                mistakes.push(Mistake::new(name, "duplicate", "the field is there twice"));
            }
            Some(column) => cells.push((column, Cell::Json(value))),
        }
    }
    if !cells.iter().any(|(column, _)| column.name == NEEDED) {
        mistakes.push(Mistake::new(NEEDED, "missing", "must be there"));
    }
    read(cells.into_iter(), mistakes)
}

fn find(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name == name)
}

/// Reads each cell and checks the whole; a field is reported by its first mistake alone.
fn read<'a>(
    cells: impl Iterator<Item = (&'static Column, Cell<'a>)>,
    mut mistakes: Vec<Mistake>,
) -> Result<NewTask, Vec<Mistake>> {
    let mut task = NewTask {
        title: String::new(),
        description: String::new(),
        status: Status::Open,
        priority: 0,
        tags: Vec::new(),
        due_at: None,
        remind_at: None,
    };
    for (column, cell) in cells {
        let Some(read) = column.read else { continue };
        if let Err((code, message)) = read(&mut task, cell) {
            mistakes.push(Mistake::new(column.name, code, message));
        }
    }
    let unread = mistakes.len();
    for mistake in task.check().err().unwrap_or_default() {
        let is_reported = mistakes.iter().take(unread).any(|unread| unread.field == mistake.field);
        if !is_reported {
            mistakes.push(mistake);
        }
    }
    if mistakes.is_empty() { Ok(task) } else { Err(mistakes) }
}

impl Cell<'_> {
    fn text(self) -> Result<String, Wrong> {
        match self {
            Self::Text(text) => Ok(text.to_owned()),
            Self::Json(Value::String(text)) => Ok(text.clone()),
            Self::Json(_) => Err(wrong_type("a text")),
        }
    }

    fn status(self) -> Result<Status, Wrong> {
        let word = match self {
            Self::Text(text) if text.trim().is_empty() => return Ok(Status::Open),
            Self::Text(text) => text.trim(),
            Self::Json(value) => value.as_str().unwrap_or_default(),
        };
        let known = Status::ALL.into_iter().find(|status| status.word() == word);
        known.ok_or_else(|| wrong_type(&format!("one of {}", Status::ALL.map(Status::word).join(", "))))
    }

    fn number(self) -> Result<i16, Wrong> {
        let number = match self {
            Self::Text(text) if text.trim().is_empty() => return Ok(0),
            Self::Text(text) => text.trim().parse::<i64>().ok(),
            Self::Json(value) => value.as_i64(),
        };
        // What is beyond the type is beyond the limits too, which are checked later.
        number.map(|number| i16::try_from(number).unwrap_or(i16::MAX)).ok_or_else(|| wrong_type("a whole number"))
    }

    fn texts(self) -> Result<Vec<String>, Wrong> {
        let texts = match self {
            Self::Text(text) if text.trim().is_empty() => return Ok(Vec::new()),
            Self::Text(text) => serde_json::from_str(text).ok(),
            Self::Json(value) => Vec::deserialize(value).ok(),
        };
        texts.ok_or_else(|| wrong_type("a list of texts, written as in JSON: [\"home\", \"garden\"]"))
    }

    fn time(self) -> Result<Option<DateTime<Utc>>, Wrong> {
        let text = match self {
            Self::Text(text) if text.trim().is_empty() => return Ok(None),
            Self::Json(Value::Null) => return Ok(None),
            Self::Text(text) => text.trim(),
            Self::Json(value) => value.as_str().unwrap_or_default(),
        };
        let wrong = || wrong_type(&format!("a time such as 2030-01-31T09:00:00Z, and is {}", quote(text)));
        text.parse().ok().map(Some).ok_or_else(wrong)
    }
}

fn wrong_type(wanted: &str) -> Wrong {
    ("wrong_type", format!("must be {wanted}"))
}

/// Repeats the beginning of what is in the file.
fn quote(text: &str) -> String {
    let beginning: String = text.chars().filter(|character| !character.is_control()).take(LONGEST_QUOTE).collect();
    let dots = if text.chars().nth(LONGEST_QUOTE).is_some() { "…" } else { "" };
    format!("\"{beginning}{dots}\"")
}
