//! Text as Python's `re` sees it: patterns and replacement templates, for the modules that edit and search files.

mod pattern;
mod template;

pub use pattern::{Flags, Pattern};
pub use template::Template;
