//! Definitions of objects: what is given as data, and what the arguments add to it.

use crate::contract::{Json, JsonMap};

/// What a definition takes from the arguments where it says nothing itself.
pub struct Defaults<'a> {
    pub kind: Option<&'a str>,
    pub api_version: &'a str,
    pub namespace: Option<&'a str>,
    pub name: Option<&'a str>,
    pub generate_name: Option<&'a str>,
}

/// The objects, each complete. Lists of objects (`kind: PodList`) stand for their items; without a definition the
/// arguments alone are one.
///
/// # Errors
/// A definition is no mapping.
pub fn read(given: Option<&Json>, defaults: &Defaults<'_>) -> Result<Vec<Json>, String> {
    let given = match given {
        None => vec![Json::Object(JsonMap::new())],
        Some(Json::Array(list)) if list.is_empty() => vec![Json::Object(JsonMap::new())],
        Some(Json::Array(list)) => list.iter().filter(|item| !is_nothing(item)).cloned().collect(),
        Some(one) if is_nothing(one) => vec![Json::Object(JsonMap::new())],
        Some(one) => vec![one.clone()],
    };
    let mut out = Vec::new();
    for definition in given {
        let whole = completed(definition, defaults)?;
        let Some(kind) = whole["kind"].as_str().and_then(|k| k.strip_suffix("List")) else {
            out.push(whole);
            continue;
        };
        for item in whole["items"].as_array().into_iter().flatten() {
            let mut item = mapping(item.clone())?;
            item.entry("kind").or_insert_with(|| kind.into());
            item.entry("apiVersion").or_insert_with(|| whole["apiVersion"].clone());
            out.push(completed(item.into(), defaults)?);
        }
    }
    Ok(out)
}

fn is_nothing(value: &Json) -> bool {
    value.is_null() || value.as_object().is_some_and(JsonMap::is_empty) || value == ""
}

fn mapping(value: Json) -> Result<JsonMap, String> {
    match value {
        Json::Object(map) => Ok(map),
        other => Err(format!("a definition is no mapping: {other}")),
    }
}

fn completed(definition: Json, defaults: &Defaults<'_>) -> Result<Json, String> {
    let mut out = mapping(definition)?;
    out.entry("kind").or_insert_with(|| defaults.kind.map_or(Json::Null, Json::from));
    out.entry("apiVersion").or_insert_with(|| defaults.api_version.into());
    let metadata = out.entry("metadata").or_insert_with(|| JsonMap::new().into());
    let Some(metadata) = metadata.as_object_mut() else {
        return Err("the metadata of a definition are no mapping".to_owned());
    };
    let added = [("namespace", defaults.namespace), ("name", defaults.name), ("generateName", defaults.generate_name)];
    for (key, value) in added {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            metadata.entry(key).or_insert_with(|| value.into());
        }
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_complete_what_is_given() {
        let defaults = Defaults {
            kind: Some("Pod"),
            api_version: "v1",
            namespace: Some("n"),
            name: Some("a"),
            generate_name: None,
        };
        let alone = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "n", "name": "a"}});
        assert_eq!(read(None, &defaults).unwrap(), std::slice::from_ref(&alone));
        let given = json!([{"metadata": {"name": "b"}}, null,
            {"kind": "ConfigMapList", "apiVersion": "v2", "items": [{"metadata": {"name": "c"}}]}]);
        let read = read(Some(&given), &defaults).unwrap();
        assert_eq!(read[0], json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "n", "name": "b"}}));
        assert_eq!(
            read[1],
            json!({"kind": "ConfigMap", "apiVersion": "v2", "metadata": {"namespace": "n", "name": "c"}})
        );
    }
}
