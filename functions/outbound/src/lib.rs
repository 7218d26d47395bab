//! The way out: mail and HTTP calls, asked for by whoever invokes this function.
//!
//! It runs outside of the network that holds the database, and knows no secret: what reaches it from outside finds
//! nothing. A process that is no Lambda function holds a [`Gateway`] of its own, so there is one code.

mod config;
mod gateway;
mod http;
mod mail;

pub use config::{Config, MailConfig, Transport};
pub use gateway::Gateway;
pub use http::{Reach, refusal};
