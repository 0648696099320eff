//! Facts `cmdline`: the kernel's command line, once with the last and once with all values of a key. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::{facts, raw_words};
use crate::contract::{Json, JsonMap};

pub const FAMILY: Family = Family::minimal("cmdline", collect);

fn collect(scene: &Scene) -> JsonMap {
    let Some(text) = scene.text("/proc/cmdline") else { return JsonMap::new() };
    let (last, all) = parse(&text);
    facts! { "cmdline" => last, "proc_cmdline" => all }
}

fn parse(text: &str) -> (JsonMap, JsonMap) {
    let (mut last, mut all) = (JsonMap::new(), JsonMap::new());
    for word in raw_words(text).unwrap_or_default() {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key.to_owned(), Json::from(value)),
            None => (word, Json::Bool(true)),
        };
        match (all.get_mut(&key), &value) {
            (Some(Json::Array(list)), Json::String(_)) => list.push(value.clone()),
            (Some(old), Json::String(_)) => *old = Json::Array(vec![old.take(), value.clone()]),
            _ => {
                all.insert(key.clone(), value.clone());
            }
        }
        last.insert(key, value);
    }
    (last, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn repeated_keys_become_a_list() {
        let (last, all) = parse("quiet console=tty0 console=ttyS0 console=hvc0 root=UUID=1-2 quiet");
        assert_eq!(Json::from(last), json!({"quiet": true, "console": "hvc0", "root": "UUID=1-2"}));
        assert_eq!(Json::from(all), json!({"quiet": true, "console": ["tty0", "ttyS0", "hvc0"], "root": "UUID=1-2"}));
    }
}
