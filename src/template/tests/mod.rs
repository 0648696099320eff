//! The catalogue of tests (`is NAME`): one file per family, each with a table. The tables are the only list of tests.

mod addresses;
mod comparing;
mod defined;
mod files;
mod kinds;
mod results;
mod strings;
mod version;

pub use version::compare_loose_text;

use super::runtime::{Args, Call, Cx, Fault, Param, Res, V};
use std::collections::HashMap;
use std::sync::OnceLock;

/// One test.
pub struct Test {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub collection: &'static str,
    /// One sentence.
    pub summary: &'static str,
    pub params: &'static [Param],
    /// Whether undefined and failed values are handed in; else the first of them is the result.
    pub takes_undefined: bool,
    /// An expression that is true.
    pub example: &'static str,
    pub run: fn(&Cx, &V, &Args) -> Res<bool>,
}

/// What most tests have in common.
pub const TEST: Test = Test {
    name: "",
    aliases: &[],
    collection: super::filters::BUILTIN,
    summary: "",
    params: &[],
    takes_undefined: false,
    example: "",
    run: |_, _, _| Ok(false),
};

impl Test {
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.collection, self.name)
    }
}

pub const CATALOGUE: &[&[Test]] = &[
    defined::TESTS,
    kinds::TESTS,
    comparing::TESTS,
    strings::TESTS,
    version::TESTS,
    results::TESTS,
    files::TESTS,
    addresses::TESTS,
];

/// A test by its short or full name.
pub fn find(name: &str) -> Option<&'static Test> {
    static NAMES: OnceLock<HashMap<String, &'static Test>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let mut names = HashMap::new();
        for test in CATALOGUE.iter().copied().flatten() {
            for name in [test.name].iter().chain(test.aliases) {
                names.insert(format!("{}.{name}", test.collection), test);
                if test.collection == super::filters::BUILTIN {
                    names.insert(format!("ansible.legacy.{name}"), test);
                }
                if test.collection != super::filters::PROTOMATTER {
                    names.entry((*name).to_owned()).or_insert(test);
                }
            }
        }
        names
    });
    names.get(name).copied()
}

/// Runs a test over its value (the first positional argument) and arguments.
pub fn run(cx: &Cx, test: &'static Test, mut call: Call) -> Res<bool> {
    if call.pos.is_empty() {
        return Err(Fault::raw(format!("{}() missing 1 required positional argument", test.name)));
    }
    let value = call.pos.remove(0);
    let args = call.bind(test.name, test.params, false, false)?;
    (test.run)(cx, &value, &args)
}
