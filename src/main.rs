//! The command `tightbeam`. Everything is in the library.
fn main() {}
