//! `append_hash`: a name that tells of the content of a ConfigMap or a Secret.

use super::merge::python_json;
use crate::contract::{Json, JsonMap};
use sha2::{Digest, Sha256};

/// Ten letters that stand for the content, and for the name.
pub fn of(object: &Json) -> String {
    let metadata = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    let (key, name) = match (metadata("name"), metadata("generateName")) {
        ("", generated) if !generated.is_empty() => ("generateName", generated),
        (name, _) => ("name", name),
    };
    let mut told = JsonMap::new();
    let mut tell = |key: &str, value: Json| drop(told.insert(key.to_owned(), value));
    let given = |key: &str| object.get(key).cloned().unwrap_or_else(|| "".into());
    let mut data = given("data");
    data.sort_all_objects();
    tell("data", data);
    tell("kind", given("kind"));
    tell(key, name.into());
    if object["kind"] == "Secret" {
        tell("type", given("type"));
    }
    let digest = Sha256::digest(python_json(&told.into()).as_bytes());
    let hex: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    let letter = |c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        c => c,
    };
    hex.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_the_references() {
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"b": "2", "a": "ü"}});
        let secret = json!({"kind": "Secret", "metadata": {"generateName": "s-"}, "type": "Opaque"});
        assert_eq!((of(&map).as_str(), of(&secret).as_str()), ("dt84k7mg66", "6hfthc5cb4"));
    }
}
