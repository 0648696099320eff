//! Facts `dns`: the resolver's configuration. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::{Json, JsonMap};

pub const FAMILY: Family = Family::minimal("dns", collect);

fn collect(scene: &Scene) -> JsonMap {
    single("dns", parse(&scene.lines("/etc/resolv.conf")))
}

fn parse(lines: &[String]) -> JsonMap {
    let mut dns = JsonMap::new();
    for line in lines.iter().filter(|line| !line.starts_with(['#', ';'])) {
        let mut words = line.split_whitespace();
        let keyword = words.next().unwrap_or_default();
        let rest: Vec<Json> = words.map(Json::from).collect();
        match keyword {
            "nameserver" => {
                let list = dns.entry("nameservers").or_insert_with(|| Json::Array(Vec::new()));
                list.as_array_mut().into_iter().for_each(|list| list.extend(rest.clone()));
            }
            "domain" => {
                if let Some(name) = rest.into_iter().next() {
                    dns.insert("domain".to_owned(), name);
                }
            }
            "search" | "sortlist" => {
                dns.insert(keyword.to_owned(), Json::Array(rest));
            }
            "options" => {
                let options: JsonMap = rest.iter().filter_map(Json::as_str).map(option).collect();
                dns.insert("options".to_owned(), options.into());
            }
            _ => {}
        }
    }
    dns
}

fn option(word: &str) -> (String, Json) {
    match word.split_once(':') {
        Some((name, value)) if !value.is_empty() => (name.to_owned(), value.into()),
        Some((name, _)) => (name.to_owned(), true.into()),
        None => (word.to_owned(), true.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn resolver_keywords() {
        let text =
            "# x\n; y\nnameserver 1.1.1.1\nnameserver 8.8.8.8\nsearch a.b c.d\ndomain a.b\noptions ndots:2 rotate\n";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(
            Json::from(parse(&lines)),
            json!({"nameservers": ["1.1.1.1", "8.8.8.8"], "search": ["a.b", "c.d"], "domain": "a.b",
                   "options": {"ndots": "2", "rotate": true}})
        );
    }
}
