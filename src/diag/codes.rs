//! The table of diagnostic codes: one line each; `tightbeam explain CODE` prints the paragraph.
//!
//! E01xx reading YAML · E02xx playbooks · E03xx variables and templates · E04xx inventory · E05xx modules and arguments ·
//! E06xx vault · E07xx configuration and command line · E08xx connections · W… warnings.

/// A code such as `E0101`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// A code with its explanation.
#[derive(Clone, Copy, Debug)]
pub struct CodeInfo {
    pub code: Code,
    pub title: &'static str,
    pub text: &'static str,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $title:literal, $text:literal;)*) => {
        impl Code {
            $(pub const $name: Code = Code($code);)*
        }
        /// Every code, in order.
        pub const CODES: &[CodeInfo] = &[$(CodeInfo { code: Code($code), title: $title, text: $text }),*];
    };
}

codes! {
    YAML_SYNTAX = "E0101", "YAML cannot be read", "The text is not valid YAML 1.1. The place is where the reader gave up; the cause is often a line above: a missing quote, a tab, wrong indentation, or a value that starts with `{{` and is not quoted.";
    YAML_TAG = "E0102", "unknown YAML tag", "Only the standard tags, `!vault`, `!vault-encrypted` and `!unsafe` are known.";
    FILE_NOT_FOUND = "E0110", "file not found", "The file is in none of the places where it is looked for. The message lists them in order.";
    PLAYBOOK_SHAPE = "E0201", "not a playbook", "A playbook is a list of plays; a play is a mapping with `hosts`.";
    KEYWORD_UNKNOWN = "E0202", "unknown keyword", "The keyword is not allowed here. For tasks: it is neither a keyword nor the name of a module that can be found.";
    KEYWORD_TYPE = "E0203", "keyword has the wrong type", "The keyword takes another type of value.";
    TASK_ACTION = "E0204", "a task needs exactly one action", "A task has no module, or more than one.";
    ROLE_NOT_FOUND = "E0205", "role not found", "The role is in none of the role paths.";
    INCLUDE_INVALID = "E0206", "include or import cannot be used like this", "See the message for what is wrong with the arguments or options.";
    HANDLER_NOT_FOUND = "E0207", "handler not found", "No handler has that name and none listens to it.";
    RUN_INVALID = "E0208", "cannot be carried out", "Found only while running: a keyword has a value that does not fit, or a task stands where it cannot run.";
    NOT_TASKS = "E0209", "not a list of tasks", "A file of tasks holds a list of tasks and blocks.";
    UNDEFINED = "E0301", "undefined variable", "A template uses a variable that is not defined for this host. Define it, or use the `default` filter.";
    TEMPLATE_SYNTAX = "E0302", "template cannot be parsed", "The text between the template delimiters is not a valid Jinja2 template.";
    TEMPLATE_FAILED = "E0303", "template failed", "Evaluating the template raised an error; the causes follow.";
    CONDITION_NOT_BOOL = "E0304", "conditional is not a boolean", "Conditionals must evaluate to true or false, as in ansible-core 2.19. Compare explicitly (`x | length > 0`), convert with `| bool`, or allow the older truthiness with ALLOW_BROKEN_CONDITIONALS.";
    RECURSIVE = "E0305", "variable refers to itself", "The variable's value needs the variable itself, directly or through others.";
    INVENTORY_INVALID = "E0401", "inventory cannot be read", "The source is not a valid inventory of any enabled kind.";
    PATTERN_INVALID = "E0402", "host pattern is invalid", "See `tightbeam inventory --help` for patterns.";
    LIMIT_EMPTY = "E0403", "the limit matches no host", "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.";
    MODULE_UNKNOWN = "E0501", "unknown module", "No native module, action or Python module of that name can be found.";
    ARGS_INVALID = "E0502", "wrong module arguments", "The arguments do not fit the module's specification. `tightbeam doc MODULE` shows it.";
    VAULT_FORMAT = "E0601", "not a vault", "The text is not in Ansible's vault format 1.1 or 1.2.";
    VAULT_DECRYPT = "E0602", "vault cannot be decrypted", "None of the given vault passwords fits. Give one with --vault-password-file, --vault-id or --ask-vault-pass.";
    CONFIG_INVALID = "E0701", "setting has a wrong value", "The value does not fit the setting's type.";
    UNSUPPORTED = "E0702", "not supported", "Tightbeam does not support this yet and refuses it rather than pretend.";
    OPTION_INVALID = "E0703", "command line is invalid", "The option's value does not fit.";
    CONNECTION_SETTINGS = "E0801", "connection variables are invalid", "An `ansible_*` connection variable has a value that cannot be used.";
    YAML_DUPLICATE_KEY = "W0101", "duplicate key", "The key stands twice in one mapping; the last value wins, as in Ansible.";
    RESERVED_NAME = "W0301", "reserved variable name", "The name belongs to a keyword or a magic variable.";
    PATTERN_UNMATCHED = "W0401", "pattern matches no host", "The name is neither a host nor a group of the inventory.";
    WARNING = "W0001", "warning", "See the message.";
    DEPRECATED = "W0002", "deprecated", "See the message.";
}

/// Finds a code by its text, case-insensitive.
pub fn explain(code: &str) -> Option<&'static CodeInfo> {
    CODES.iter().find(|c| c.code.0.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn codes_are_distinct_and_explained() {
        let mut seen = std::collections::BTreeSet::new();
        for c in CODES {
            assert!(seen.insert(c.code), "{} stands twice", c.code);
            assert!(!c.text.is_empty() && !c.title.is_empty());
        }
    }
}
