//! What happened in a run, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Counts by name; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<String, u64>>>);

impl Tally {
    /// Counts one more.
    pub fn one(&self, name: &str) {
        self.add(name, 1);
    }

    /// Counts more.
    pub fn add(&self, name: &str, count: u64) {
        *self.0.lock().unwrap().entry(name.to_owned()).or_default() += count;
    }

    /// How many there were.
    pub fn of(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.lock().unwrap().iter().try_for_each(|(name, count)| write!(f, "\n  {count:>7}  {name}"))
    }
}
