//! Compares reading and writing with what PyYAML and ansible-core did (`tests/yaml/record.py` keeps their answers).

use super::{DumpOptions, Node, NodeKind, dump, parse_value, read_one};
use crate::diag::{SourceMap, Span};
use crate::value::{Key, Map, Trust, Value, float_repr};
use serde_json::{Value as Json, json};

fn cases(text: &str) -> Vec<Json> {
    serde_json::from_str(text).expect("recorded cases are JSON")
}

/// A node in the form of `record.py`'s `encode`.
fn encode(node: &Node) -> Json {
    match &node.kind {
        NodeKind::Null => Json::Null,
        NodeKind::Bool(b) => json!(b),
        NodeKind::Int(i) => json!({"int": i.to_string()}),
        NodeKind::BigInt(i) => json!({"int": i.to_string()}),
        NodeKind::Float(f) => json!({"float": float_repr(*f)}),
        NodeKind::Str { text, is_unsafe: true, .. } => json!({"unsafe": &**text}),
        NodeKind::Str { text, .. } => json!(&**text),
        NodeKind::Timestamp(t) => json!({"time": &**t}),
        NodeKind::Bytes(b) => json!({"bytes": hex::encode(b)}),
        NodeKind::Vault(v) => json!({"vault": &**v}),
        NodeKind::Seq(items) => items.iter().map(encode).collect(),
        NodeKind::Map(entries) => {
            let entries: Vec<Json> = entries.iter().map(|(k, v)| json!([encode(k), encode(v)])).collect();
            json!({"map": entries})
        }
    }
}

/// Sets are lists here, and whether a key is trusted means nothing: brings both sides to one form.
fn level(json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(level).collect(),
        Json::Object(map) => match (map.get("map"), map.get("set")) {
            (Some(Json::Array(entries)), _) => {
                let entries: Vec<Json> = entries
                    .iter()
                    .map(|e| json!([e[0].get("unsafe").cloned().unwrap_or_else(|| level(&e[0])), level(&e[1])]))
                    .collect();
                json!({"map": entries})
            }
            (_, Some(Json::Array(items))) => items.iter().map(level).collect(),
            _ => json.clone(),
        },
        other => other.clone(),
    }
}

fn spans(node: &Node, out: &mut Vec<Span>) {
    out.push(node.span);
    match &node.kind {
        NodeKind::Seq(items) => items.iter().for_each(|n| spans(n, out)),
        NodeKind::Map(entries) => entries.iter().for_each(|(k, v)| {
            spans(k, out);
            spans(v, out);
        }),
        _ => {}
    }
}

fn differences(case: &Json) -> Vec<String> {
    let text = case["text"].as_str().unwrap_or_default();
    let sources = SourceMap::default();
    let mut out = Vec::new();
    let mut differ = |what: &str, ours: Json, theirs: &Json| {
        if ours != *theirs {
            out.push(format!("{text:?}: {what}\n   ours: {ours}\n theirs: {theirs}"));
        }
    };
    let place = |span: Span| {
        let l = sources.location(span).expect("a place in the text");
        json!([l.line, l.column])
    };
    match read_one(&sources, "t.yml", text) {
        Ok(document) => {
            let value = document.root.as_ref().map_or(Json::Null, encode);
            differ("value", level(&value), &level(case.get("value").unwrap_or(&json!("a fault"))));
            let warnings: Vec<Json> = document
                .warnings
                .iter()
                .filter(|w| w.code == crate::diag::Code::YAML_DUPLICATE_KEY)
                .map(|w| {
                    let at = w.span().map(place).unwrap_or_default();
                    json!([w.message, at[0], at[1]])
                })
                .collect();
            // Python's `True` carries no place; our nodes do.
            let mut theirs = case.get("warnings").cloned().unwrap_or(json!([]));
            for (theirs, ours) in theirs.as_array_mut().into_iter().flatten().zip(&warnings) {
                if theirs[1].is_null() {
                    *theirs = json!([theirs[0], ours[1], ours[2]]);
                }
            }
            differ("warnings", json!(warnings), &theirs);
            if let (Some(marks), Some(root)) = (case.get("marks"), &document.root) {
                let mut all = Vec::new();
                spans(root, &mut all);
                differ("marks", all.into_iter().map(place).collect(), marks);
            }
        }
        Err(fault) => {
            differ("fault", json!(fault.message), case.get("fault").unwrap_or(&json!("no fault")));
            if let Some(at) = case.get("at") {
                differ("place", fault.span().map(place).unwrap_or_default(), at);
            }
        }
    }
    if let Some(message) = case.get("python") {
        differ("message", json!(parse_value(text, Trust::Foreign).err()), message);
    }
    out
}

/// Where Tightbeam means to differ: the message or place is better, never the data.
const BETTER: &[&str] = &[
    // libyaml says "hexdecimal".
    "a: \"\\x4\"\n",
    // PyYAML gives a position in place of line and column.
    "a: b\u{7}\n",
];

#[test]
fn reads_as_recorded() {
    let cases = cases(include_str!("../../tests/yaml/load.json"));
    assert!(cases.len() > 250);
    let wrong: Vec<String> = cases
        .iter()
        .filter(|c| !BETTER.contains(&c["text"].as_str().unwrap_or_default()))
        .flat_map(differences)
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn decode(json: &Json) -> Value {
    let text = |j: &Json| j.as_str().unwrap_or_default().to_owned();
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::String(s) => Value::foreign(s.as_str()),
        Json::Array(items) => Value::list(items.iter().map(decode).collect()),
        Json::Number(_) => panic!("numbers are tagged"),
        Json::Object(map) => {
            let (tag, inner) = map.iter().next().expect("one tag");
            match tag.as_str() {
                "unsafe" => Value::foreign(text(inner)),
                "int" => parse_value(&text(inner), Trust::Foreign).expect("an integer"),
                "float" => Value::Float(text(inner).parse().expect("a float")),
                "time" => Value::Timestamp(text(inner).into()),
                "bytes" => Value::Bytes(hex::decode(text(inner)).expect("hex").into()),
                "vault" => Value::Vault(crate::value::Vaulted { ciphertext: text(inner).into(), origin: None }.into()),
                "map" => Value::map(
                    inner
                        .as_array()
                        .expect("entries")
                        .iter()
                        .map(|e| (Key::from_value(&decode(&e[0])).expect("a key"), decode(&e[1])))
                        .collect::<Map>(),
                ),
                other => panic!("unknown tag {other}"),
            }
        }
    }
}

fn options(case: &Json) -> DumpOptions {
    let mut options = if case["nice"] == true { DumpOptions::nice() } else { DumpOptions::default() };
    for (name, value) in case["options"].as_object().expect("options") {
        let int = || value.as_i64().expect("an integer");
        let flag = || value.as_bool().expect("a boolean");
        match name.as_str() {
            "indent" => options.indent = int(),
            "width" => options.width = int(),
            "default_flow_style" => options.default_flow_style = value.as_bool(),
            "default_style" => options.default_style = value.as_str().and_then(|s| s.chars().next()),
            "sort_keys" => options.sort_keys = flag(),
            "allow_unicode" => options.allow_unicode = flag(),
            "explicit_start" => options.explicit_start = flag(),
            "explicit_end" => options.explicit_end = flag(),
            "canonical" => options.canonical = flag(),
            other => panic!("unknown option {other}"),
        }
    }
    options
}

#[test]
fn writes_as_recorded() {
    let cases = cases(include_str!("../../tests/yaml/dump.json"));
    assert!(cases.len() > 250);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let ours = dump(&decode(&case["value"]), &options(case));
            let theirs = case["text"].as_str().unwrap_or_default();
            (ours != theirs).then(|| format!("{}\n   ours: {ours:?}\n theirs: {theirs:?}", case["value"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
