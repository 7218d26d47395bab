//! The job engine, statement by statement.

mod outcomes;
