//! The job engine, statement by statement.

mod backoff;
mod cancel;
mod checkpoint;
mod claim;
mod commit;
mod enqueue;
mod lease;
mod line;
mod notify;
mod outcomes;
mod plans;
mod prune;
mod quarantine;
mod release;
mod snooze;
mod unique;
mod versions;
