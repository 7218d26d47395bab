//! The real binaries of the functions, driven as Lambda drives them.

mod api;
mod cold_start;
mod configuration;
mod frozen;
mod migrate;
mod panics;
mod rotation;
mod scheduler;
mod stack;
mod tls;
mod worker;

pub use stack::{Stack, enqueue_export, sample};
