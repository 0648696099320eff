//! The helper: reads frames on stdin, runs modules, writes frames on stdout. stdout belongs to the protocol.
fn main() {}
