//! `hidden_fields`: parts of objects that results leave out, named by paths such as `spec.containers[0].env` and
//! `metadata.annotations[a.b/c]`.

use crate::contract::Json;
use std::collections::BTreeMap;

/// What is to be left out, below each key; nothing below: the key itself.
#[derive(Default)]
struct Tree(BTreeMap<String, Option<Tree>>);

/// The object without the fields.
pub fn without(object: &Json, fields: &[String]) -> Json {
    let mut tree = Tree::default();
    for field in fields {
        tree.add(&keys(field));
    }
    let mut out = object.clone();
    tree.take_from(&mut out);
    out
}

impl Tree {
    fn add(&mut self, path: &[&str]) {
        match path {
            [] => {}
            [last] => drop(self.0.insert((*last).to_owned(), None)),
            [first, rest @ ..] => {
                if let Some(inner) = self.0.entry((*first).to_owned()).or_insert_with(|| Some(Tree::default())) {
                    inner.add(rest);
                }
            }
        }
    }

    fn take_from(&self, object: &mut Json) {
        match object {
            Json::Object(map) => {
                for (key, inner) in &self.0 {
                    let Some(value) = map.get_mut(key) else { continue };
                    if inner.as_ref().is_none_or(|inner| inner.leaves_nothing(value)) {
                        map.shift_remove(key);
                    }
                }
            }
            Json::Array(list) => {
                let mut places: Vec<(usize, &Option<Tree>)> =
                    self.0.iter().filter_map(|(key, inner)| Some((key.parse().ok()?, inner))).collect();
                places.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
                for (place, inner) in places {
                    let Some(value) = list.get_mut(place) else { continue };
                    if inner.as_ref().is_none_or(|inner| inner.leaves_nothing(value)) {
                        list.remove(place);
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes its fields away and tells whether an empty thing is left.
    fn leaves_nothing(&self, value: &mut Json) -> bool {
        self.take_from(value);
        value.as_object().is_some_and(|m| m.is_empty()) || value.as_array().is_some_and(Vec::is_empty)
    }
}

/// The keys of a path: between dots, or in brackets where they have dots.
fn keys(field: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = field;
    while !rest.is_empty() {
        if let Some((key, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            found.push(key);
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let end = rest[1..].find(['.', '[']).map_or(rest.len(), |at| at + 1);
        found.push(&rest[..end]);
        rest = &rest[end..];
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_go_and_what_they_empty_goes_too() {
        assert_eq!(keys("metadata.annotations[a.b/c].d"), ["metadata", "annotations", "a.b/c", "d"]);
        assert_eq!(keys("[one][two].three[0]"), ["one", "two", "three", "0"]);
        let object = json!({"metadata": {"managedFields": [1], "annotations": {"a.b/c": "x"}, "name": "n"},
            "spec": {"env": [{"a": 1}, {"a": 2}, {"a": 3, "b": 4}]}});
        let fields =
            ["metadata.managedFields", "metadata.annotations[a.b/c]", "spec.env[2].a", "spec.env[0]", "none.x"];
        assert_eq!(
            without(&object, &fields.map(str::to_owned)),
            json!({"metadata": {"name": "n"}, "spec": {"env": [{"a": 2}, {"b": 4}]}})
        );
    }
}
