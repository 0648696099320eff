//! Which names a variable may have.

use crate::value::Trust;
use crate::yaml::Node;

/// Words that cannot be looked up as variables in a template.
const RESERVED: &[&str] = &["False", "None", "True", "false", "none", "not", "true"];

/// Whether a text can name a variable.
pub fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !RESERVED.contains(&name)
}

/// What is wrong with a key of `vars`, in ansible-core's words.
pub fn variable_name_fault(key: &Node) -> Option<String> {
    match key.as_str() {
        Some(name) if is_variable_name(name) => None,
        Some(name) => Some(format!("Invalid variable name {}.", crate::value::repr_str(name))),
        None => {
            let shown = crate::value::repr_str(&key.to_value(Trust::Foreign).to_string());
            Some(format!("Invalid variable name {shown} of type '{}'.", key.type_name()))
        }
    }
}
