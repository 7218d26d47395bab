//! Errand with everything broken on purpose: processes killed and frozen, messages lost and doubled, PostgreSQL restarted,
//! connections cut. `docs/proof.md` says what is broken, how to run larger, and what a seed reproduces.

mod director;
mod distributions;
pub mod drain;
mod functions;
mod killer;
mod model;
mod poison;
pub mod processes;
pub mod queue;
mod races;
mod runs;
pub mod settings;
pub mod skew;
mod stage;
pub mod tally;
mod verdict;
mod writers;
