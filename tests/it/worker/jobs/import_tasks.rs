//! Imports: what files may be, and what happens when a worker dies over one.

mod files;
mod resume;
