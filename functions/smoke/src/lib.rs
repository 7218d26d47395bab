//! The look at a new version of the API before it gets traffic: a few requests that must be answered well, and the word to
//! CodeDeploy that traffic may move, or must not.

mod config;
mod hook;
mod trial;

pub use config::Config;
pub use hook::{Hook, Smoke, Verdict};
pub use trial::{PATHS, Patience};
