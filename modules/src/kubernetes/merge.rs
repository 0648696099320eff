//! Objects put together and compared: the three-way merge of `apply`, and the difference that results tell of.

use crate::contract::{Json, JsonMap};
use serde_json::json;

/// Where `apply` keeps what was applied last, as kubectl does.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Lists whose items are told apart by one of their keys, below the specification of a pod.
const IN_PODS: &[(&str, &str)] = &[
    ("containers", "name"),
    ("initContainers", "name"),
    ("ephemeralContainers", "name"),
    ("volumes", "name"),
    ("imagePullSecrets", "name"),
    ("containers.volumeMounts", "mountPath"),
    ("containers.volumeDevices", "devicePath"),
    ("containers.env", "name"),
    ("containers.ports", "containerPort"),
    ("initContainers.volumeMounts", "mountPath"),
    ("initContainers.volumeDevices", "devicePath"),
    ("initContainers.env", "name"),
    ("initContainers.ports", "containerPort"),
    ("ephemeralContainers.volumeMounts", "mountPath"),
    ("ephemeralContainers.volumeDevices", "devicePath"),
    ("ephemeralContainers.env", "name"),
    ("ephemeralContainers.ports", "containerPort"),
];

/// Where kinds have the specification of a pod.
const PODS: &[&str] = &[
    "Pod.spec",
    "Deployment.spec.template.spec",
    "DaemonSet.spec.template.spec",
    "StatefulSet.spec.template.spec",
    "Job.spec.template.spec",
    "Cronjob.spec.jobTemplate.spec.template.spec",
];

/// The key that tells items of the list at this place apart.
fn merge_key(place: &str) -> Option<&'static str> {
    match place {
        "Service.spec.ports" => return Some("port"),
        "ServiceAccount.secrets" => return Some("name"),
        "ValidatingWebhookConfiguration.webhooks" | "MutatingWebhookConfiguration.webhooks" => return Some("name"),
        _ => {}
    }
    let inner = PODS.iter().find_map(|pod| place.strip_prefix(pod)?.strip_prefix('.'))?;
    IN_PODS.iter().find(|(list, _)| *list == inner).map(|(_, key)| *key)
}

/// One mapping over another, down to the leaves.
pub fn merged(base: &Json, over: &Json) -> Json {
    let (Json::Object(base), Json::Object(over)) = (base, over) else { return over.clone() };
    let mut out = base.clone();
    for (key, value) in over {
        match out.get_mut(key) {
            Some(old @ Json::Object(_)) => *old = merged(old, value),
            _ => drop(out.insert(key.clone(), value.clone())),
        }
    }
    Json::Object(out)
}

/// JSON as Python writes it: without blanks, and nothing but ASCII.
pub fn python_json(value: &Json) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// A definition that tells of itself what was applied.
pub fn annotated(desired: &Json) -> Json {
    let mut sorted = desired.clone();
    sorted.sort_all_objects();
    let note = json!({"metadata": {"annotations": {LAST_APPLIED: python_json(&sorted)}}});
    merged(desired, &note)
}

/// What is to be sent so that `actual` becomes `desired`; `None` where it is that already.
///
/// # Errors
/// An item of a list lacks the key that tells it apart.
pub fn patch(actual: &Json, desired: &Json) -> Result<Option<Json>, String> {
    let last = actual["metadata"]["annotations"][LAST_APPLIED].as_str().filter(|text| !text.is_empty());
    let Some(last) = last else { return Ok(Some(annotated(desired))) };
    let last: Json = serde_json::from_str(last).map_err(|e| format!("{LAST_APPLIED} is no JSON: {e}"))?;
    let kind = desired["kind"].as_str().unwrap_or_default();
    let patch = three_way(&annotated(&last), &annotated(desired), actual, kind)?;
    Ok(Some(patch).filter(|p| p.as_object().is_none_or(|p| !p.is_empty()) && p != actual))
}

/// What was applied last and is no longer wanted goes, what is wanted and is otherwise comes.
fn three_way(last: &Json, desired: &Json, actual: &Json, place: &str) -> Result<Json, String> {
    Ok(merged(&deletions(last, desired), &delta(last, actual, desired, place)?))
}

fn deletions(last: &Json, desired: &Json) -> Json {
    let mut patch = JsonMap::new();
    for (key, old) in last.as_object().into_iter().flatten() {
        let new = &desired[key];
        if old.is_object() && new.is_object() {
            let inner = deletions(old, new);
            if inner.as_object().is_some_and(|i| !i.is_empty()) {
                patch.insert(key.clone(), inner);
            }
        } else if old != new {
            patch.insert(key.clone(), new.clone());
        }
    }
    Json::Object(patch)
}

fn delta(last: &Json, actual: &Json, desired: &Json, place: &str) -> Result<Json, String> {
    let mut patch = JsonMap::new();
    for (key, wanted) in desired.as_object().into_iter().flatten() {
        let place = format!("{place}.{key}");
        let found = &actual[key];
        match wanted {
            _ if found.is_null() => drop(patch.insert(key.clone(), wanted.clone())),
            Json::Object(_) => {
                let inner = delta(&last[key], found, wanted, &place)?;
                if inner.as_object().is_some_and(|i| !i.is_empty()) {
                    patch.insert(key.clone(), inner);
                }
            }
            Json::Array(items) => {
                let mut list = joined(&last[key], found, items, &place)?;
                list.retain(|item| !item.is_null());
                if !list.is_empty() {
                    patch.insert(key.clone(), list.into());
                }
            }
            _ if wanted != found => drop(patch.insert(key.clone(), wanted.clone())),
            _ => {}
        }
    }
    Ok(Json::Object(patch))
}

/// A list as it is to be: items that can be told apart are merged one by one.
fn joined(last: &Json, actual: &Json, desired: &[Json], place: &str) -> Result<Vec<Json>, String> {
    let last = last.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(key) = merge_key(place).filter(|_| !last.is_empty()) else { return Ok(desired.to_vec()) };
    let last = by_key(last, key, place)?;
    let actual = by_key(actual.as_array().map(Vec::as_slice).unwrap_or_default(), key, place)?;
    let desired = by_key(desired, key, place)?;
    let find = |list: &[(Json, Json)], id: &Json| list.iter().find(|(i, _)| i == id).map(|(_, item)| item.clone());
    let mut out = Vec::new();
    for (id, wanted) in &desired {
        out.push(match (find(&actual, id), find(&last, id)) {
            (Some(found), Some(old)) => merged(&found, &three_way(&old, wanted, &found, place)?),
            _ => wanted.clone(),
        });
    }
    for (id, found) in actual {
        if find(&desired, &id).is_none() && find(&last, &id).is_none() {
            out.push(found);
        }
    }
    Ok(out)
}

/// Items with what tells them apart; of two alike the last stands in the place of the first.
fn by_key(list: &[Json], key: &str, place: &str) -> Result<Vec<(Json, Json)>, String> {
    let mut out: Vec<(Json, Json)> = Vec::new();
    for item in list {
        let id = item.get(key).ok_or_else(|| format!("Expected key '{key}' not found in position {place}"))?;
        match out.iter_mut().find(|(known, _)| known == id) {
            Some((_, old)) => *old = item.clone(),
            None => out.push((id.clone(), item.clone())),
        }
    }
    Ok(out)
}

/// What is on one side only or otherwise there: before and after; `None` where nothing is.
///
/// # Errors
/// An item of a list lacks the key that tells it apart.
pub fn difference(before: &JsonMap, after: &JsonMap) -> Result<Option<(JsonMap, JsonMap)>, String> {
    let kind = before.get("kind").filter(|kind| after.get("kind") == Some(kind)).and_then(Json::as_str);
    differing(before, after, kind.unwrap_or_default())
}

fn differing(before: &JsonMap, after: &JsonMap, place: &str) -> Result<Option<(JsonMap, JsonMap)>, String> {
    let only = |one: &JsonMap, other: &JsonMap| -> JsonMap {
        one.iter().filter(|(k, _)| !other.contains_key(*k)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let (mut left, mut right) = (only(before, after), only(after, before));
    for (key, old) in before {
        let Some(new) = after.get(key) else { continue };
        let place = format!("{place}.{key}");
        let sides = match (old, new) {
            (Json::Object(old), Json::Object(new)) => {
                differing(old, new, &place)?.map(|(l, r)| (Json::from(l), Json::from(r)))
            }
            (Json::Array(old), Json::Array(new)) => {
                lists(old, new, &place)?.map(|(l, r)| (Json::from(l), Json::from(r)))
            }
            _ => (old != new).then(|| (old.clone(), new.clone())),
        };
        if let Some((l, r)) = sides {
            left.insert(key.clone(), l);
            right.insert(key.clone(), r);
        }
    }
    Ok((!left.is_empty() || !right.is_empty()).then_some((left, right)))
}

fn lists(before: &[Json], after: &[Json], place: &str) -> Result<Option<(Vec<Json>, Vec<Json>)>, String> {
    let Some(key) = merge_key(place) else {
        return Ok((before != after).then(|| (before.to_vec(), after.to_vec())));
    };
    let (old, new) = (by_key(before, key, place)?, by_key(after, key, place)?);
    let lacks = |list: &[(Json, Json)], id: &Json| list.iter().all(|(known, _)| known != id);
    let mut left: Vec<Json> = old.iter().filter(|(id, _)| lacks(&new, id)).map(|(_, item)| item.clone()).collect();
    let mut right: Vec<Json> = new.iter().filter(|(id, _)| lacks(&old, id)).map(|(_, item)| item.clone()).collect();
    for (id, item) in &old {
        let Some((_, other)) = new.iter().find(|(known, _)| known == id) else { continue };
        let (Some(item), Some(other)) = (item.as_object(), other.as_object()) else { continue };
        if let Some((mut l, mut r)) = differing(item, other, place)? {
            l.insert(key.to_owned(), id.clone());
            r.insert(key.to_owned(), id.clone());
            left.push(l.into());
            right.push(r.into());
        }
    }
    Ok((!left.is_empty() || !right.is_empty()).then_some((left, right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(image: &str, env: Json) -> Json {
        json!({"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 1, "template": {"spec":
            {"containers": [{"name": "c", "image": image, "env": env}]}}}})
    }

    #[test]
    fn what_was_applied_and_is_no_longer_wanted_goes() {
        let first = deployment("one", json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
        let mut actual = annotated(&first);
        actual["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
        actual["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "sidecar"}));
        actual["status"] = json!({"replicas": 1});
        // kubectl counts on what is there; the list of containers is sent whole, with what others added.
        let same = patch(&actual, &first).unwrap().unwrap();
        assert_eq!(same["spec"]["template"]["spec"]["containers"][1], json!({"name": "sidecar"}));
        let mut second = deployment("two", json!([{"name": "A", "value": "1"}]));
        second["spec"].as_object_mut().unwrap().remove("replicas");
        let patch = patch(&actual, &second).unwrap().unwrap();
        assert_eq!(patch["spec"]["replicas"], Json::Null);
        let container = &patch["spec"]["template"]["spec"]["containers"][0];
        assert_eq!((&container["image"], &container["imagePullPolicy"]), (&json!("two"), &json!("Always")));
        assert_eq!(container["env"], json!([{"name": "A", "value": "1"}]));
        assert!(patch["metadata"]["annotations"][LAST_APPLIED].as_str().unwrap().contains("\"image\":\"two\""));
    }

    #[test]
    fn unchanged_objects_need_no_patch() {
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "ü"}, "data": {"a": "1"}});
        assert_eq!(patch(&annotated(&map), &map).unwrap(), None);
        assert_eq!(python_json(&json!("ü😀")), r#""\u00fc\ud83d\ude00""#);
    }

    #[test]
    fn items_of_lists_are_told_apart_by_their_key() {
        let before = deployment("one", json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
        let after = deployment("one", json!([{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]));
        let object = |v: &Json| v.as_object().unwrap().clone();
        let (left, right) = difference(&object(&before), &object(&after)).unwrap().unwrap();
        let containers = |side: &JsonMap| side["spec"]["template"]["spec"]["containers"].clone();
        assert_eq!(containers(&left), json!([{"name": "c", "env": [{"name": "B", "value": "2"}]}]));
        assert_eq!(containers(&right), json!([{"name": "c", "env": [{"name": "B", "value": "3"}]}]));
        assert!(merge_key("Pod.spec.volumes").is_some() && merge_key("Pod.spec.tolerations").is_none());
    }
}
