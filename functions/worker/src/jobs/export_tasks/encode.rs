//! Tasks as bytes: CSV after RFC 4180, or one JSON array.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use shared::exports::Format;
use shared::tasks::{Status, Task};

const HEADER: [&str; 12] = [
    "id",
    "title",
    "description",
    "status",
    "priority",
    "tags",
    "due_at",
    "remind_at",
    "created_at",
    "updated_at",
    "completed_at",
    "version",
];

/// One task, with the names and shapes of the API.
#[derive(Serialize)]
struct Row<'a> {
    id: String,
    title: &'a str,
    description: &'a str,
    status: Status,
    priority: i16,
    tags: &'a [String],
    due_at: Option<DateTime<Utc>>,
    remind_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    version: i32,
}

/// Turns tasks into chunks of a file.
pub(super) enum Encoder {
    Csv(Box<csv::Writer<Vec<u8>>>),
    Json { chunk: Vec<u8>, is_first: bool },
}

impl Encoder {
    pub(super) fn new(format: Format) -> anyhow::Result<Self> {
        match format {
            Format::Csv => {
                let mut writer = csv_writer();
                writer.write_record(HEADER)?;
                Ok(Self::Csv(Box::new(writer)))
            }
            Format::Json => Ok(Self::Json { chunk: vec![b'['], is_first: true }),
        }
    }

    pub(super) fn push(&mut self, task: &Task) -> anyhow::Result<()> {
        match self {
            Self::Csv(writer) => writer.write_record(record(task)?)?,
            Self::Json { chunk, is_first } => {
                if !std::mem::take(is_first) {
                    chunk.push(b',');
                }
                chunk.push(b'\n');
                serde_json::to_writer(chunk, &Row::of(task))?;
            }
        }
        Ok(())
    }

    /// Returns what has gathered, and starts the next chunk.
    pub(super) fn take(&mut self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Csv(writer) => {
                let full = std::mem::replace(&mut **writer, csv_writer());
                Ok(full.into_inner().map_err(csv::IntoInnerError::into_error)?)
            }
            Self::Json { chunk, .. } => Ok(std::mem::take(chunk)),
        }
    }

    /// Returns the last chunk.
    pub(super) fn finish(&mut self) -> anyhow::Result<Vec<u8>> {
        if let Self::Json { chunk, .. } = self {
            chunk.extend_from_slice(b"\n]\n");
        }
        self.take()
    }
}

impl<'a> Row<'a> {
    fn of(task: &'a Task) -> Self {
        Self {
            id: task.id.to_string(),
            title: &task.title,
            description: &task.description,
            status: task.status,
            priority: task.priority,
            tags: &task.tags,
            due_at: task.due_at,
            remind_at: task.remind_at,
            created_at: task.created_at,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
            version: task.version,
        }
    }
}

fn csv_writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new())
}

fn record(task: &Task) -> anyhow::Result<[String; 12]> {
    let time = |time: Option<DateTime<Utc>>| {
        time.map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    };
    Ok([
        task.id.to_string(),
        task.title.clone(),
        task.description.clone(),
        task.status.word().to_owned(),
        task.priority.to_string(),
        serde_json::to_string(&task.tags)?,
        time(task.due_at),
        time(task.remind_at),
        time(Some(task.created_at)),
        time(Some(task.updated_at)),
        time(task.completed_at),
        task.version.to_string(),
    ])
}
