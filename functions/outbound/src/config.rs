//! What the way out reads from its environment.

use crate::http::Reach;
use lettre::message::Mailbox;
use reqwest::Url;
use secrecy::SecretString;
use shared::config::{ConfigError, Environment, LogConfig, Reader, load};
use std::path::PathBuf;

/// Who mails come from when they only go into a folder.
const LOCAL_SENDER: &str = "Errand <errand@localhost>";

/// The configuration of the way out.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the process runs.
    pub environment: Environment,
    /// What is logged.
    pub log: LogConfig,
    /// How mail leaves.
    pub mail: MailConfig,
    /// Where HTTP calls may go.
    pub reach: Reach,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum MailConfig {
    /// It does not: each mail is refused, and says so.
    Off,
    /// From a sender, by a transport.
    On {
        /// Who mails come from.
        from: Mailbox,
        /// What takes them.
        transport: Transport,
    },
}

/// What takes mails.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A folder, which gets a file for each.
    Folder(PathBuf),
    /// A mail host, by its URL, which holds a password.
    Smtp(SecretString),
    /// Amazon SES.
    Ses,
}

impl Config {
    /// Reads the configuration through a lookup.
    ///
    /// # Errors
    /// Lists all variables that are missing or cannot be understood.
    pub fn load(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        load(lookup, |reader| {
            let environment = Environment::read(reader);
            let log = LogConfig::read(reader);
            let mail = MailConfig::read(reader);
            let reach = Reach::read(reader);
            Some(Self { environment, log, mail: mail?, reach })
        })
    }
}

impl MailConfig {
    /// Reads `MAIL_TRANSPORT` (without it: `SMTP_URL` if that is set, else `MAIL_DIR`) and `MAIL_FROM`.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.text("SMTP_URL");
        let folder = reader.text("MAIL_DIR");
        let chosen = reader.text("MAIL_TRANSPORT");
        let from = reader.text("MAIL_FROM");
        let transport = match (chosen.as_deref(), url, folder) {
            (Some("off"), ..) => return Some(Self::Off),
            (Some("ses"), ..) => Transport::Ses,
            (Some("smtp") | None, Some(url), _) => Transport::Smtp(smtp_url(reader, url)),
            (Some("folder") | None, _, Some(folder)) => Transport::Folder(folder.into()),
            (Some("smtp"), ..) => {
                reader.problem("SMTP_URL", "is not set, but MAIL_TRANSPORT is smtp");
                return None;
            }
            (Some("folder"), ..) => {
                reader.problem("MAIL_DIR", "is not set, but MAIL_TRANSPORT is folder");
                return None;
            }
            (Some(other), ..) => {
                let what = format!("is \"{other}\", which is not one of folder, off, ses, smtp");
                reader.problem("MAIL_TRANSPORT", &what);
                return None;
            }
            (None, None, None) => {
                reader.problem("MAIL_DIR", "is not set, and neither is SMTP_URL or MAIL_TRANSPORT");
                return None;
            }
        };
        let is_local = matches!(transport, Transport::Folder(_));
        let Some(from) = from.or_else(|| is_local.then(|| LOCAL_SENDER.to_owned())) else {
            reader.problem("MAIL_FROM", "is not set, but mail leaves this machine");
            return None;
        };
        let Ok(from) = from.parse() else {
            reader.problem("MAIL_FROM", "is not an address like Errand <errand@example.com>");
            return None;
        };
        Some(Self::On { from, transport })
    }
}

/// Checks what the value says without repeating it: it may hold a password.
fn smtp_url(reader: &mut Reader<'_>, url: String) -> SecretString {
    match Url::parse(&url) {
        Ok(parsed) if matches!(parsed.scheme(), "smtp" | "smtps") && parsed.has_host() => {
            let is_encrypted = parsed.scheme() == "smtps" || parsed.query_pairs().any(|(name, _)| name == "tls");
            let is_here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            if parsed.password().is_some() && !is_encrypted && !is_here {
                reader.problem(
                    "SMTP_URL",
                    "would send its password unencrypted: use smtps://, or smtp:// with ?tls=required",
                );
            }
        }
        _ => reader.problem("SMTP_URL", "is not a URL like smtps://user:password@mail.example.com"),
    }
    url.into()
}
