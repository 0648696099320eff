//! Text as Python sees it: patterns, replacement templates and encodings, for the modules that edit and search files;
//! and the hashes of passwords.

pub mod crypt;
mod encoding;
mod pattern;
mod template;

pub use encoding::Encoding;
pub use pattern::{Flags, Pattern};
pub use template::Template;
