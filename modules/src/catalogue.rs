//! Every native module, one line each, alphabetical by fully qualified name. Nothing registers itself.

use crate::contract::Entry;

/// All modules.
pub static MODULES: &[Entry] = &[];

/// Finds a module by its fully qualified name.
pub fn find(name: &str) -> Option<&'static Entry> {
    MODULES.iter().find(|e| e.spec.name == name)
}
