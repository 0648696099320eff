//! What a module answers: an [`Outcome`] or a [`Failure`]. Both become the result dictionary that playbooks register.

use super::{Json, JsonMap};
use serde::{Deserialize, Serialize};

/// Whether a single difference is a list of one in the reference's result: `copy`'s of content is, that of attributes is a
/// dictionary, and so are those of other modules.
pub fn is_listed(module: &str, of_attributes: bool) -> bool {
    module == "ansible.builtin.copy" && !of_attributes
}

/// What a module did, or in check mode would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub changed: bool,
    /// Ansible's return values except `changed`, `diff`, `warnings`, `deprecations` and `ansible_facts`.
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    pub values: JsonMap,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<Diff>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deprecations: Vec<Deprecation>,
    /// Facts to set on the host (`ansible_facts` in the result).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<JsonMap>,
    /// The module declined to act (check mode of `command`): the task counts as skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
}

impl Outcome {
    pub fn unchanged() -> Self {
        Self::default()
    }
    pub fn changed(changed: bool) -> Self {
        Outcome { changed, ..Self::default() }
    }
    /// Adds one return value.
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.values.insert(key.to_owned(), value.into());
        self
    }
    pub fn set(&mut self, key: &str, value: impl Into<Json>) {
        self.values.insert(key.to_owned(), value.into());
    }
    pub fn with_diff(mut self, diff: Diff) -> Self {
        self.diff.push(diff);
        self
    }
    /// As the one dictionary that modules of Ansible print.
    pub fn into_printed(self, module: &str) -> JsonMap {
        let mut out = self.values;
        out.insert("changed".to_owned(), self.changed.into());
        if self.skipped {
            out.insert("skipped".to_owned(), true.into());
        }
        insert_lists(&mut out, module, self.diff, self.warnings);
        if !self.deprecations.is_empty() {
            out.insert("deprecations".to_owned(), as_json(&self.deprecations));
        }
        if let Some(facts) = self.facts {
            out.insert("ansible_facts".to_owned(), facts.into());
        }
        out
    }
}

fn as_json(value: &impl Serialize) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}

fn insert_lists(out: &mut JsonMap, module: &str, mut diff: Vec<Diff>, warnings: Vec<String>) {
    match diff.len() {
        0 => {}
        1 if !is_listed(module, matches!(diff[0].before, Some(Json::Object(_)))) => {
            drop(out.insert("diff".to_owned(), as_json(&diff.remove(0))));
        }
        _ => drop(out.insert("diff".to_owned(), as_json(&diff))),
    }
    if !warnings.is_empty() {
        out.insert("warnings".to_owned(), warnings.into());
    }
}

/// The task failed on the host. `values` holds whatever else Ansible returns with the failure (`rc`, `stdout`, …).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub msg: String,
    #[serde(default)]
    pub changed: bool,
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    pub values: JsonMap,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<Diff>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Failure {
    pub fn new(msg: impl Into<String>) -> Self {
        Failure { msg: msg.into(), ..Self::default() }
    }
    /// `context: error`, as most of Ansible's messages read.
    pub fn io(context: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Failure::new(format!("{context}: {}", python_error(error)))
    }
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.values.insert(key.to_owned(), value.into());
        self
    }
    /// As the one dictionary that modules of Ansible print.
    pub fn into_printed(self, module: &str) -> JsonMap {
        let mut out = self.values;
        out.insert("failed".to_owned(), true.into());
        out.insert("msg".to_owned(), self.msg.into());
        out.insert("changed".to_owned(), self.changed.into());
        insert_lists(&mut out, module, self.diff, self.warnings);
        out
    }
}

/// An error of the system as Python prints it: `[Errno 2] No such file or directory`.
pub(crate) fn python_error(error: &std::io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => format!("[Errno {number}] {}", text.trim_end_matches(&format!(" (os error {number})"))),
        None => text,
    }
}

/// One entry of `diff`, in Ansible's shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<DiffSide>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DiffSide>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_header: Option<String>,
    /// Text that is shown as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<String>,
}

/// Text is compared line by line, data as JSON.
pub type DiffSide = Json;

impl Diff {
    pub fn text(path: &str, before: &str, after: &str) -> Self {
        Diff {
            before: Some(before.into()),
            after: Some(after.into()),
            before_header: Some(path.to_owned()),
            after_header: Some(path.to_owned()),
            prepared: None,
        }
    }
    /// Two sets of attributes (`{"path": …, "state": …}`).
    pub fn data(before: JsonMap, after: JsonMap) -> Self {
        Diff { before: Some(before.into()), after: Some(after.into()), ..Self::default() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deprecation {
    pub msg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
