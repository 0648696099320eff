//! The catalogue of filters: one file per family, each with a table. The tables are the only list of filters.

mod bcrypt;
mod collections;
mod combine;
mod comments;
mod crypt;
mod digest;
mod durations;
mod encode;
mod general;
mod jmespath;
mod json;
mod json_reader;
mod links;
mod lists;
mod marks;
mod network;
mod network_address;
mod network_query;
mod numbers;
mod paths;
mod patterns;
mod query;
mod select;
mod serialize;
mod sets;
mod text;
mod times;
mod types;
mod units;
mod urls;
mod wrap;

pub use digest::{Crypt, crypt_password};
pub use encode::from_bytes;
pub use lists::{choice, generator};
pub use marks::carries;
pub use network::is_address;
pub use paths::{expand_user, normpath};
pub use patterns::matches as regex_matches;
pub use select::get_path;
pub use types::to_bool;
pub use urls::split as split_url;

use super::runtime::{Args, Call, Cx, Fault, Param, Res, V};
use std::collections::HashMap;
use std::sync::OnceLock;

/// One filter.
pub struct Filter {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// `ansible.builtin`, `ansible.utils`, `community.general`, …
    pub collection: &'static str,
    /// One sentence.
    pub summary: &'static str,
    pub params: &'static [Param],
    /// Whether more positional arguments may follow, and what they are.
    pub rest: Option<&'static str>,
    /// Whether other named arguments are taken.
    pub named: bool,
    /// Whether undefined and failed values are handed in; else the first of them is the result.
    pub takes_undefined: bool,
    /// An expression and Python's text of its result; both run as a test.
    pub example: (&'static str, &'static str),
    pub run: fn(&Cx, V, Args) -> Res,
}

pub const BUILTIN: &str = "ansible.builtin";
/// Answers to full names alone.
pub const PROTOMATTER: &str = "ansible._protomatter";

/// What most filters have in common.
pub const FILTER: Filter = Filter {
    name: "",
    aliases: &[],
    collection: BUILTIN,
    summary: "",
    params: &[],
    rest: None,
    named: false,
    takes_undefined: false,
    example: ("", ""),
    run: |_, v, _| Ok(v),
};

impl Filter {
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.collection, self.name)
    }
}

pub const fn required(name: &'static str, kind: &'static str) -> Param {
    Param { name, kind, default: None }
}
pub const fn optional(name: &'static str, kind: &'static str, default: &'static str) -> Param {
    Param { name, kind, default: Some(default) }
}

/// All families, in the order of the reference manual.
pub const CATALOGUE: &[&[Filter]] = &[
    types::FILTERS,
    text::FILTERS,
    wrap::FILTERS,
    comments::FILTERS,
    numbers::FILTERS,
    units::FILTERS,
    lists::FILTERS,
    collections::FILTERS,
    combine::FILTERS,
    sets::FILTERS,
    select::FILTERS,
    json::FILTERS,
    serialize::FILTERS,
    encode::FILTERS,
    digest::FILTERS,
    crypt::FILTERS,
    patterns::FILTERS,
    paths::FILTERS,
    times::FILTERS,
    urls::FILTERS,
    links::FILTERS,
    query::FILTERS,
    network::FILTERS,
    general::FILTERS,
    durations::FILTERS,
    marks::FILTERS,
];

/// A filter by its short or full name.
pub fn find(name: &str) -> Option<&'static Filter> {
    static NAMES: OnceLock<HashMap<String, &'static Filter>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let mut names = HashMap::new();
        for filter in CATALOGUE.iter().copied().flatten() {
            for name in [filter.name].iter().chain(filter.aliases) {
                let mut collections = vec![filter.collection];
                match filter.collection {
                    BUILTIN => collections.push("ansible.legacy"),
                    "ansible.utils" => collections.push("ansible.netcommon"),
                    _ => {}
                }
                for collection in collections {
                    names.insert(format!("{collection}.{name}"), filter);
                }
                if filter.collection != PROTOMATTER {
                    names.entry((*name).to_owned()).or_insert(filter);
                }
            }
        }
        names
    });
    names.get(name).copied()
}

/// Runs a filter over its value (the first positional argument) and arguments.
pub fn run(cx: &Cx, filter: &'static Filter, mut call: Call) -> Res {
    if call.pos.is_empty() {
        return Err(Fault::raw(format!("{}() missing 1 required positional argument", filter.name)));
    }
    let value = call.pos.remove(0);
    let args = call.bind(filter.name, filter.params, filter.rest.is_some(), filter.named)?;
    (filter.run)(cx, value, args)
}

/// The items of a list as a filter needs them: an undefined or failed one is its error.
pub fn each(cx: &Cx, v: &V) -> Res<Vec<V>> {
    let items = super::runtime::iterate(cx, v)?;
    for item in &items {
        item.check()?;
    }
    Ok(items)
}

/// The value's text, as filters that work on text take it.
/// The text itself, where the filter calls a method of Python's text: other values fail as the call would.
pub fn own_text<'a>(v: &'a V, method: &str) -> Res<&'a str> {
    v.as_str().ok_or_else(|| Fault::raw(format!("'{}' object has no attribute '{method}'", v.type_name())))
}

pub fn as_text(cx: &Cx, v: &V) -> Res<String> {
    super::runtime::text(cx, v)
}
