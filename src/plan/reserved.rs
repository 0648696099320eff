//! Names of variables that keywords and templates use themselves.

use crate::diag::{Code, Diagnostic, Span};
use crate::playbook::keywords::{KEYWORDS, Level};
use crate::value::{Map, Value};

/// Of templates, and of tasks though no keyword says them.
const OTHERS: &[&str] = &[
    "async_val",
    "cycler",
    "dict",
    "joiner",
    "lipsum",
    "local_action",
    "lookup",
    "loop_with",
    "namespace",
    "now",
    "omit",
    "q",
    "query",
    "range",
    "undef",
    "with_",
];

/// Whether a variable of this name hides, or is hidden by, something of the language. `vars` may be set.
pub fn is_reserved(name: &str) -> bool {
    let of_tree = |level: &Level| matches!(level, Level::Play | Level::Block | Level::Task);
    OTHERS.contains(&name)
        || (!matches!(name, "gather_subset" | "vars")
            && KEYWORDS.iter().any(|k| k.name == name && k.levels.iter().any(of_tree)))
}

/// A warning for each variable with a reserved name; `span` is the place of those whose value has none.
pub fn warnings(vars: &Map, span: Option<Span>) -> impl Iterator<Item = Diagnostic> {
    vars.iter().filter_map(move |(key, value)| {
        let name = key.as_str().filter(|name| is_reserved(name))?;
        Some(warning(name).at(Value::origin(value).or(span), ""))
    })
}

/// The warning about a variable of this name.
pub fn warning(name: &str) -> Diagnostic {
    let message = format!("Found variable using reserved name {}.", crate::value::repr_str(name));
    Diagnostic::warning(Code::WARNING, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let reserved = ["name", "port", "lipsum", "q", "async", "hosts", "local_action", "rescue", "vars_prompt"];
        let free = ["vars", "gather_subset", "listen", "loop_var", "item", "import_playbook", "x"];
        reserved.iter().for_each(|name| assert!(is_reserved(name), "{name}"));
        free.iter().for_each(|name| assert!(!is_reserved(name), "{name}"));
    }
}
