//! The real binaries of the functions, driven as Lambda drives them.
