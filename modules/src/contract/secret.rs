//! Keeps the values of `no_log` arguments out of results, for every module at once.

use super::{Arg, Failure, Json, JsonMap, ModuleSpec, Outcome};
use std::collections::BTreeSet;

/// What stands in a result for a secret that was a whole value.
pub const REPLACEMENT: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";
/// What stands for a secret inside a longer text.
const MASK: &str = "********";

/// The secrets among one call's arguments. Debug does not show them.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Longest first, so that a secret that contains another is masked whole.
    texts: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.texts.len())
    }
}

impl Secrets {
    /// Collects the values of the arguments that the spec declares `no_log`, in sub-options too.
    pub fn of(spec: &ModuleSpec, args: &JsonMap) -> Self {
        let mut found = BTreeSet::new();
        spec.all_args().for_each(|arg| collect(arg, args.get(arg.name), &mut found));
        let mut texts: Vec<String> = found.into_iter().collect();
        texts.sort_by_key(|t| std::cmp::Reverse(t.len()));
        Secrets { texts }
    }

    pub fn clean_outcome(&self, outcome: &mut Outcome) {
        if self.texts.is_empty() {
            return;
        }
        outcome.values.values_mut().for_each(|v| self.clean(v));
        for diff in &mut outcome.diff {
            [&mut diff.before, &mut diff.after].into_iter().flatten().for_each(|side| self.clean(side));
            diff.prepared = diff.prepared.as_deref().map(|t| self.text(t));
        }
        outcome.warnings.iter_mut().for_each(|w| *w = self.text(w));
        outcome.facts.iter_mut().flat_map(|f| f.values_mut()).for_each(|v| self.clean(v));
    }

    pub fn clean_failure(&self, failure: &mut Failure) {
        if self.texts.is_empty() {
            return;
        }
        failure.msg = self.text(&failure.msg);
        failure.values.values_mut().for_each(|v| self.clean(v));
        failure.warnings.iter_mut().for_each(|w| *w = self.text(w));
        for diff in &mut failure.diff {
            [&mut diff.before, &mut diff.after].into_iter().flatten().for_each(|side| self.clean(side));
            diff.prepared = diff.prepared.as_deref().map(|t| self.text(t));
        }
    }

    /// A text as ansible-core's `remove_values` leaves it.
    pub fn text(&self, text: &str) -> String {
        if self.texts.iter().any(|s| s == text) {
            return REPLACEMENT.to_owned();
        }
        self.texts.iter().fold(text.to_owned(), |t, secret| t.replace(secret, MASK))
    }

    fn clean(&self, value: &mut Json) {
        match value {
            Json::String(text) => *text = self.text(text),
            Json::Number(n) => {
                let shown = n.to_string();
                if self.texts.iter().any(|s| shown.contains(s.as_str())) {
                    *value = REPLACEMENT.into();
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|v| self.clean(v)),
            Json::Object(map) => map.values_mut().for_each(|v| self.clean(v)),
            Json::Null | Json::Bool(_) => {}
        }
    }
}

fn collect(arg: &Arg, value: Option<&Json>, found: &mut BTreeSet<String>) {
    let Some(value) = value else { return };
    if arg.no_log {
        return leaves(value, found);
    }
    let maps: Vec<&JsonMap> = match value {
        Json::Object(map) => vec![map],
        Json::Array(items) => items.iter().filter_map(Json::as_object).collect(),
        _ => return,
    };
    for option in arg.options {
        maps.iter().for_each(|map| collect(option, map.get(option.name), found));
    }
}

fn leaves(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) if !text.is_empty() => {
            found.insert(text.clone());
        }
        Json::Number(n) => {
            found.insert(n.to_string());
        }
        Json::Array(items) => items.iter().for_each(|v| leaves(v, found)),
        Json::Object(map) => map.values().for_each(|v| leaves(v, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Arg, ArgType};
    use serde_json::json;

    const SPEC: ModuleSpec = ModuleSpec::new(
        "a.b.c",
        "",
        &[
            Arg::str("password").no_log(),
            Arg::list("users", ArgType::Dict).options(&[Arg::str("key").no_log(), Arg::str("name")]),
        ],
    );

    #[test]
    fn secrets_are_masked_wherever_they_turn_up() {
        let args = json!({"password": "pw12", "users": [{"key": "abc", "name": "x"}]});
        let secrets = Secrets::of(&SPEC, args.as_object().expect("an object"));
        let mut outcome =
            Outcome::changed(true).with("all", "pw12").with("part", json!(["set pw12 for abc", {"n": "x"}]));
        outcome.warnings.push("abc!".into());
        secrets.clean_outcome(&mut outcome);
        assert_eq!(outcome.values["all"], REPLACEMENT);
        assert_eq!(outcome.values["part"], json!(["set ******** for ********", {"n": "x"}]));
        assert_eq!(outcome.warnings, ["********!"]);
    }
}
