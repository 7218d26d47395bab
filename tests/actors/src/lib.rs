//! Worker processes for tests that kill them: the product's worker on both of its paths, with kinds of job whose effects
//! can be counted.

pub mod deeds;
pub mod hosts;

pub use deeds::{Act, Brief, Deed, Doomed, Lasting, registry};
