//! Facts: one file per family, each says what it provides and what it needs.
