//! Every example of the catalogues gives what it says.
#![cfg(test)]

use super::{Context, Engine, FILTERS, LOOKUPS, NoOutside, TESTS, Templar, TemplateSettings};
use crate::diag::SourceMap;
use crate::files::Mem;
use crate::value::Map;
use std::sync::Arc;

fn templar() -> Templar {
    let world = NoOutside { files: Mem::default().with("/etc/hosts", "127.0.0.1 localhost\n"), ..NoOutside::default() };
    let engine = Engine::new(Arc::new(world), None, TemplateSettings::default(), SourceMap::default());
    Templar::new(&engine, Arc::new(Map::new()), Context::default())
}

fn check(name: &str, example: (&str, &str), wrong: &mut Vec<String>) {
    if example.0.is_empty() {
        wrong.push(format!("{name}: no example"));
        return;
    }
    match (templar().expression(example.0), templar().expression(example.1)) {
        (Ok(got), Ok(wanted)) if got == wanted => {}
        (got, wanted) => wrong.push(format!("{name}: {} gives {got:?}, not {wanted:?}", example.0)),
    }
}

#[test]
fn examples_give_what_they_say() {
    let mut wrong = vec![];
    for filter in FILTERS.iter().copied().flatten() {
        check(filter.name, filter.example, &mut wrong);
        assert!(!filter.summary.is_empty(), "{}", filter.name);
    }
    for test in TESTS.iter().copied().flatten() {
        check(test.name, (test.example, "true"), &mut wrong);
        assert!(!test.summary.is_empty(), "{}", test.name);
    }
    for lookup in LOOKUPS.iter().copied().flatten() {
        check(lookup.name, lookup.example, &mut wrong);
        assert!(!lookup.summary.is_empty(), "{}", lookup.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_stand_once() {
    let mut seen = std::collections::BTreeSet::new();
    for filter in FILTERS.iter().copied().flatten() {
        for name in [filter.name].iter().chain(filter.aliases) {
            assert!(seen.insert(("filter", filter.collection, *name)), "filter {name}");
        }
    }
    for test in TESTS.iter().copied().flatten() {
        for name in [test.name].iter().chain(test.aliases) {
            assert!(seen.insert(("test", test.collection, *name)), "test {name}");
        }
    }
    for lookup in LOOKUPS.iter().copied().flatten() {
        assert!(seen.insert(("lookup", lookup.collection, lookup.name)), "lookup {}", lookup.name);
    }
}
