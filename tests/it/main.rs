//! Every behaviour of Errand.
