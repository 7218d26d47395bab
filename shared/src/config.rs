//! Configuration from environment variables. The lookup is handed in; every bad variable is reported, all at once.

mod sections;

pub use sections::{
    DatabaseConfig, DatabaseSource, Environment, LogConfig, LogFormat, QueueConfig, SentryConfig, StorageConfig,
    StorageSource,
};

use std::fmt;
use std::str::FromStr;

/// Every variable that was missing or bad, by name.
#[derive(thiserror::Error)]
pub struct ConfigError {
    /// One sentence for each bad variable, starting with its name.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not usable:")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// The same text: it is what a `main` that ends with this error prints.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads variables through a lookup and collects what is wrong with them.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("problems", &self.problems).finish_non_exhaustive()
    }
}

/// Reads a whole configuration, or says everything that is wrong with it.
///
/// # Errors
/// Lists all variables that are missing or cannot be understood.
pub fn load<T>(
    lookup: &dyn Fn(&str) -> Option<String>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, ConfigError> {
    let mut reader = Reader { lookup, problems: Vec::new() };
    match read(&mut reader) {
        Some(config) if reader.problems.is_empty() => Ok(config),
        _ => Err(ConfigError { problems: reader.problems }),
    }
}

impl Reader<'_> {
    /// Returns the variable's text; an empty one counts as not set.
    pub fn text(&mut self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// Returns the variable's text, or notes that it is missing.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let value = self.text(name);
        if value.is_none() {
            self.problem(name, "is not set");
        }
        value
    }

    /// Returns the variable parsed, the default when it is not set; notes one that cannot be parsed.
    pub fn parsed<T: FromStr>(&mut self, name: &str, default: T, expected: &str) -> T {
        let Some(text) = self.text(name) else { return default };
        text.trim().parse().unwrap_or_else(|_| {
            self.problem(name, &format!("is \"{text}\", which is not {expected}"));
            default
        })
    }

    /// Notes what is wrong with a variable.
    pub fn problem(&mut self, name: &str, what: &str) {
        self.problems.push(format!("{name} {what}"));
    }
}
