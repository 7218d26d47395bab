//! What tests stand on: a database each, the functions in this process, actors, faults, and real binaries.

pub mod actor;
pub mod app;
pub mod binaries;
pub mod lambda;
pub mod log;
pub mod mail;
pub mod moto;
pub mod pg_proxy;
pub mod postgres;
pub mod probe;
pub mod rds;
pub mod receiver;
pub mod rotation;
pub mod runtime_api;
pub mod tls;

pub use actor::{Actor, Answer};
pub use app::TestApp;
pub use log::Log;
pub use mail::Letter;
