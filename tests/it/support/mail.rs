//! Mail that went into a folder, read as its recipient would.

use outbound::{Config, Gateway, MailConfig, Reach, Transport};
use shared::config::{Environment, LogConfig, LogFormat};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tracing::Level;

/// A mail. Only what is plain ASCII is read as it was meant; the rest shows its encoding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    pub message_id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// The way out with a folder for mail, and with this machine in reach.
pub fn gateway(folder: &Path) -> Gateway {
    let from = "Errand <errand@example.com>".parse().unwrap();
    let mail = MailConfig::On { from, transport: Transport::Folder(folder.to_owned()) };
    Gateway::new(config(mail, Reach::Anywhere), Arc::default())
}

/// A configuration of the way out.
pub fn config(mail: MailConfig, reach: Reach) -> Config {
    let log = LogConfig { level: Level::INFO, format: LogFormat::Json };
    Config { environment: Environment::Development, log, mail, reach }
}

/// Reads the mails of a folder, by their ids; none when nobody made the folder.
pub fn letters(folder: &Path) -> Vec<Letter> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| letter(&fs::read_to_string(path).unwrap())).collect()
}

/// Reads a message.
#[track_caller]
pub fn letter(message: &str) -> Letter {
    let (head, text) = message.split_once("\r\n\r\n").unwrap();
    // A header that is folded goes on in a line that begins with a space.
    let head = head.replace("\r\n ", " ");
    let header = |name: &str| {
        let mut found = head.lines().filter_map(|line| line.strip_prefix(&format!("{name}: ")));
        let value = found.next().unwrap_or_else(|| panic!("no {name} in:\n{message}")).to_owned();
        assert_eq!(found.next(), None, "a second {name} in:\n{message}");
        value
    };
    Letter {
        message_id: header("Message-ID"),
        from: header("From"),
        to: header("To"),
        subject: header("Subject"),
        text: text.replace("=\r\n", "").replace("\r\n", "\n"),
    }
}
