//! The job engine, statement by statement.

mod backoff;
mod claim;
mod commit;
mod enqueue;
mod lease;
mod outcomes;
mod release;
