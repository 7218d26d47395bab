//! Errand with everything broken on purpose: processes killed and frozen, messages lost and doubled, PostgreSQL restarted,
//! connections cut. `docs/proof.md` says what is broken, how to run larger, and what a seed reproduces.

mod director;
mod distributions;
mod drain;
mod functions;
mod model;
mod poison;
mod processes;
mod queue;
mod races;
mod runs;
mod settings;
mod skew;
mod stage;
mod tally;
mod verdict;
mod writers;
