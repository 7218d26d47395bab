//! Configuration of this process: the environment, over defaults that make a laptop work without any.

use anyhow::bail;
use shared::config::{self, ConfigError, Environment, LogConfig, Reader, SentryConfig};
use std::collections::{BTreeSet, HashMap};

/// Everything that the functions in this process read, all of it checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) api: api::Config,
    pub(crate) worker: worker::Config,
    pub(crate) scheduler: scheduler::Config,
    pub(crate) outbound: outbound::Config,
    /// Whether `/metrics` is served.
    pub(crate) metrics: bool,
}

impl Settings {
    /// Reads the environment over `defaults`. Every bad variable is reported, whichever functions read it.
    pub(crate) fn load(
        lookup: &dyn Fn(&str) -> Option<String>,
        defaults: &HashMap<&'static str, String>,
    ) -> Result<Self, ConfigError> {
        let lookup = |name: &str| set(lookup, name).or_else(|| defaults.get(name).cloned());
        let api = api::Config::load(&lookup);
        let worker = worker::Config::load(&lookup);
        let scheduler = scheduler::Config::load(&lookup);
        let outbound = outbound::Config::load(&lookup);
        let metrics = config::load(&lookup, |reader| Some(serves_metrics(reader)));
        match (api, worker, scheduler, outbound, metrics) {
            (Ok(api), Ok(worker), Ok(scheduler), Ok(outbound), Ok(metrics)) => {
                Ok(Self { api, worker, scheduler, outbound, metrics })
            }
            (api, worker, scheduler, outbound, metrics) => {
                Err(together([api.err(), worker.err(), scheduler.err(), outbound.err(), metrics.err()]))
            }
        }
    }
}

/// Reads `METRICS`. The page says how busy the service is, so unless told otherwise only a laptop shows it.
fn serves_metrics(reader: &mut Reader<'_>) -> bool {
    let environment = Environment::read(reader);
    match reader.text("METRICS").as_deref() {
        None => environment == Environment::Development,
        Some("on") => true,
        Some("off") => false,
        Some(other) => {
            reader.problem("METRICS", &format!("is \"{other}\", which is not one of on, off"));
            false
        }
    }
}

/// Returns a variable's value; an empty one counts as not set.
pub(crate) fn set(lookup: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    lookup(name).filter(|value| !value.is_empty())
}

/// Checks every variable before anything is made or started, and returns where to listen: the command line, else `HOST`
/// and `PORT`, else 127.0.0.1:8000.
pub(crate) fn check(
    host: Option<String>,
    port: Option<u16>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<(String, u16)> {
    // Stands for what is only known when the state folder is open and its server runs.
    let mut defaults = HashMap::from([("EXPORT_DIR", "exports".to_owned()), ("MAIL_DIR", "mail".to_owned())]);
    if set(lookup, "SIGNING_SECRET_ARN").is_none() {
        defaults.insert("SECRET_KEY", "?".repeat(32));
    }
    if set(lookup, "DATABASE_SECRET_ARN").is_none() {
        defaults.insert("DATABASE_URL", "postgres://errand@127.0.0.1/errand".to_owned());
    }
    let settings = Settings::load(lookup, &defaults);
    let (from_environment, _) = match (address(lookup), settings) {
        (Ok(address), Ok(settings)) => (address, settings),
        (address, settings) => return Err(together([address.err(), settings.err()]).into()),
    };
    let host = host.unwrap_or(from_environment.0);
    if host.is_empty() {
        bail!("--host is empty");
    }
    Ok((host, port.unwrap_or(from_environment.1)))
}

/// Reads `HOST` and `PORT`.
pub(crate) fn address(lookup: &dyn Fn(&str) -> Option<String>) -> Result<(String, u16), ConfigError> {
    config::load(lookup, |reader| {
        let host = reader.text("HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
        Some((host, reader.parsed("PORT", 8000, "a port number")))
    })
}

/// What is logged and reported, before everything else is known.
pub(crate) fn log(
    lookup: &dyn Fn(&str) -> Option<String>,
    defaults: &HashMap<&'static str, String>,
) -> Result<(LogConfig, Option<SentryConfig>), ConfigError> {
    let lookup = |name: &str| set(lookup, name).or_else(|| defaults.get(name).cloned());
    config::load(&lookup, |reader| {
        let environment = Environment::read(reader);
        Some((LogConfig::read(reader), SentryConfig::read(reader, environment)))
    })
}

/// Makes one error of several, in which each problem is named once.
fn together<const N: usize>(errors: [Option<ConfigError>; N]) -> ConfigError {
    let problems: BTreeSet<String> = errors.into_iter().flatten().flat_map(|error| error.problems).collect();
    ConfigError { problems: problems.into_iter().collect() }
}
