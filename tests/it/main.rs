//! Every behaviour of Errand, on a real PostgreSQL. The folders mirror the packages, path for path.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

mod api;
mod architecture;
mod bench;
mod binaries;
mod chaos;
mod db;
mod engine;
mod hosts;
mod metrics;
mod migrate;
mod outbound;
mod rehearsal;
mod scheduler;
mod smoke;
mod support;
mod telemetry;
mod template;
mod worker;
