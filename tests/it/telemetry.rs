//! What is logged: that each line is one object of a known type, and that each field is in the dictionary.

mod codes;
mod dictionary;
mod lines;
mod reports;
mod run;
mod traces;

pub use dictionary::check;
