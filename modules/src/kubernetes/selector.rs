//! Label selectors, held against the labels of a definition: `a=b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`.

use crate::contract::Json;

/// Whether the definition's labels fit all of the selectors. One without labels fits none.
pub fn fits(selectors: &[String], definition: &Json) -> bool {
    let labels = &definition["metadata"]["labels"];
    labels.is_object() && selectors.iter().all(|selector| one(selector, labels))
}

fn one(selector: &str, labels: &Json) -> bool {
    let label = |key: &str| labels[key].as_str();
    if let Some((key, values, wanted)) = set(selector) {
        return label(key).is_some_and(|l| values.contains(&l)) == wanted;
    }
    let compact: String = selector.chars().filter(|c| *c != ' ').collect();
    for (sign, wanted) in [("==", true), ("!=", false), ("=", true)] {
        if let Some((key, value)) = compact.split_once(sign) {
            return (label(key) == Some(value)) == wanted;
        }
    }
    match selector.trim().strip_prefix('!') {
        Some(key) => labels.get(key.trim()).is_none(),
        None => labels.get(selector.trim()).is_some(),
    }
}

/// `key in (a, b)`: the key, the values, and whether it is to be one of them.
fn set(selector: &str) -> Option<(&str, Vec<&str>, bool)> {
    let (key, rest) = selector.trim().split_once(' ')?;
    let rest = rest.trim();
    let (list, wanted) = match rest.strip_prefix("notin") {
        Some(list) => (list, false),
        None => (rest.strip_prefix("in")?, true),
    };
    let list = list.strip_prefix(' ')?.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some((key, list.split(',').map(str::trim).filter(|v| !v.is_empty()).collect(), wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_are_held_against_labels() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        for (selector, expected) in [
            ("app=web", true),
            ("app == web", true),
            ("app != web", false),
            ("none!=x", true),
            ("app in (api, web)", true),
            ("app notin (api, web)", false),
            ("none notin (a)", true),
            ("app", true),
            ("!app", false),
            ("! none", true),
        ] {
            assert_eq!(fits(&[selector.to_owned()], &object), expected, "{selector}");
        }
        assert!(!fits(&["!a".to_owned()], &json!({"metadata": {}})));
    }
}
