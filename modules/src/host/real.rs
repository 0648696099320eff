//! The real host: the only door to `std::fs` and to processes.
