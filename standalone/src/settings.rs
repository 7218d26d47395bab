//! Configuration of this process: the environment, over defaults that make a laptop work without any.

use anyhow::bail;
use shared::config::{self, ConfigError};
use std::collections::{BTreeSet, HashMap};

/// Everything that the functions in this process read, all of it checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) api: api::Config,
    pub(crate) worker: worker::Config,
    pub(crate) scheduler: scheduler::Config,
}

impl Settings {
    /// Reads the environment over `defaults`. Every bad variable is reported, whichever functions read it.
    pub(crate) fn load(
        lookup: &dyn Fn(&str) -> Option<String>,
        defaults: &HashMap<&'static str, String>,
    ) -> anyhow::Result<Self> {
        let lookup =
            |name: &str| lookup(name).filter(|value| !value.is_empty()).or_else(|| defaults.get(name).cloned());
        let api = api::Config::load(&lookup);
        let worker = worker::Config::load(&lookup);
        let scheduler = scheduler::Config::load(&lookup);
        match (api, worker, scheduler) {
            (Ok(api), Ok(worker), Ok(scheduler)) => Ok(Self { api, worker, scheduler }),
            (api, worker, scheduler) => {
                let errors = [api.err(), worker.err(), scheduler.err()];
                let problems: BTreeSet<String> =
                    errors.into_iter().flatten().flat_map(|error| error.problems).collect();
                Err(ConfigError { problems: problems.into_iter().collect() }.into())
            }
        }
    }
}

/// Where to listen: the command line, else `HOST` and `PORT`, else 127.0.0.1:8000.
pub(crate) fn address(
    host: Option<String>,
    port: Option<u16>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<(String, u16)> {
    let from_environment = config::load(lookup, |reader| {
        let host = reader.text("HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
        Some((host, reader.parsed("PORT", 8000, "a port number")))
    })?;
    let host = host.unwrap_or(from_environment.0);
    if host.is_empty() {
        bail!("--host is empty");
    }
    Ok((host, port.unwrap_or(from_environment.1)))
}
