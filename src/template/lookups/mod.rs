//! The catalogue of lookups: one file per lookup or small family, each with a table. What they need of the world comes
//! through `Outside`. Their answers are foreign text.

mod csvfile;
mod env;
mod file;
mod first_found;
mod ini;
mod items;
mod keyvalue;
mod options;
mod password;
mod pipe;
mod search;
mod sequence;
mod subelements;
mod template;
mod url;
mod variables;

pub use search::glob;

use super::ErrorKind;
use super::runtime::{Args, Call, Cx, Fault, Object, Param, Res, V, text, truth};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// One lookup.
pub struct Lookup {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub collection: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Options, by name; others are taken and change nothing, as in the reference.
    pub params: &'static [Param],
    /// Whether undefined and failed terms are handed in; else the first of them is the result.
    pub takes_undefined: bool,
    /// It does something outside, or asks others than this machine's files.
    pub acts: bool,
    /// An expression and Python's text of its result; both run as a test.
    pub example: (&'static str, &'static str),
    pub run: Run,
}

/// Terms and options → answers.
pub type Run = fn(&Cx, &[V], &Args, How) -> Res<Vec<V>>;

/// How a lookup was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `with_NAME`
    Loop,
    /// `lookup()`, `query()`
    Function,
}

/// What most lookups have in common.
pub const LOOKUP: Lookup = Lookup {
    name: "",
    aliases: &[],
    collection: super::filters::BUILTIN,
    summary: "",
    params: &[],
    takes_undefined: false,
    acts: false,
    example: ("", ""),
    run: |_, _, _, _| Ok(vec![]),
};

pub const CATALOGUE: &[&[Lookup]] = &[
    items::LOOKUPS,
    file::LOOKUPS,
    env::LOOKUPS,
    first_found::LOOKUPS,
    template::LOOKUPS,
    pipe::LOOKUPS,
    url::LOOKUPS,
    variables::LOOKUPS,
    password::LOOKUPS,
    sequence::LOOKUPS,
    subelements::LOOKUPS,
    ini::LOOKUPS,
    csvfile::LOOKUPS,
];

/// A lookup by its short or full name.
pub fn find(name: &str) -> Option<&'static Lookup> {
    static NAMES: OnceLock<HashMap<String, &'static Lookup>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let mut names = HashMap::new();
        for lookup in CATALOGUE.iter().copied().flatten() {
            for name in [lookup.name].iter().chain(lookup.aliases) {
                names.insert(format!("{}.{name}", lookup.collection), lookup);
                if lookup.collection == super::filters::BUILTIN {
                    names.insert(format!("ansible.legacy.{name}"), lookup);
                }
                names.entry((*name).to_owned()).or_insert(lookup);
            }
        }
        names
    });
    names.get(name).copied()
}

/// `lookup`, and `query` which always gives a list.
pub struct LookupFunction {
    pub list: bool,
}

impl Object for LookupFunction {
    fn type_name(&self) -> &str {
        "function"
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, cx: &Cx, mut call: Call) -> Res {
        if call.pos.is_empty() {
            return Err(Fault::raw("lookup() missing 1 required positional argument: 'plugin_name'"));
        }
        let name = call.pos.remove(0).trip()?;
        let name = text(cx, &name)?;
        if find(&name).is_some_and(|l| !l.takes_undefined)
            && let Some(fault) = call.fault()
        {
            return Err(fault.clone());
        }
        let mut take =
            |wanted: &str| call.named.iter().position(|(n, _)| &**n == wanted).map(|i| call.named.remove(i).1);
        let list = take("wantlist").map_or(Ok(false), |v| truth(&v))? || self.list;
        let errors = take("errors").map_or(Ok("strict".to_owned()), |v| text(cx, &v))?;
        let found = match invoke(cx, &name, call.pos, call.named, How::Function) {
            Ok(found) => found,
            Err(Failed::Undefined(fault)) => return Err(fault),
            Err(Failed::Lookup(fault)) => {
                match errors.as_str() {
                    "ignore" => {}
                    "warn" => cx
                        .engine
                        .outside
                        .warn(&format!("An error occurred while running the lookup plugin '{name}': {}", fault.text())),
                    _ => return Err(failed(&name, fault)),
                }
                return Ok(if list { V::list(vec![]) } else { V::None });
            }
        };
        if list {
            return Ok(V::list(found));
        }
        Ok(single(found))
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Without a list wanted: one answer is itself, several texts are joined by commas.
fn single(mut found: Vec<V>) -> V {
    if found.len() == 1 {
        return found.remove(0);
    }
    if found.is_empty() || !found.iter().all(|v| matches!(v, V::Str(_))) {
        return V::list(found);
    }
    let secret = found.iter().any(V::is_secret);
    let joined: Vec<&str> = found.iter().filter_map(V::as_str).collect();
    let text = crate::value::Text::foreign(joined.join(","));
    V::Str(if secret { text.secret() } else { text })
}

enum Failed {
    /// An undefined term or option: it stays what it is.
    Undefined(Arc<Fault>),
    Lookup(Arc<Fault>),
}

fn failed(name: &str, fault: Arc<Fault>) -> Arc<Fault> {
    fault.within(format!("The lookup plugin '{name}' failed."))
}

fn invoke(cx: &Cx, name: &str, terms: Vec<V>, named: Vec<(Arc<str>, V)>, how: How) -> Result<Vec<V>, Failed> {
    let Some(lookup) = find(name) else {
        return Err(Failed::Undefined(Fault::told(
            ErrorKind::Failed,
            format!("The lookup plugin '{name}' was not found."),
        )));
    };
    if lookup.acts && !cx.scope.vars.may_act() {
        return Err(Failed::Undefined(Fault::told(ErrorKind::Failed, format!("'{name}' has to wait for its turn"))));
    }
    let call = Call { pos: vec![], named };
    let args = call.bind(lookup.name, lookup.params, false, true).map_err(Failed::Lookup)?;
    (lookup.run)(cx, &terms, &args, how)
        .map_err(|fault| if fault.raw { Failed::Lookup(fault) } else { Failed::Undefined(fault) })
}

/// Runs a lookup for a loop.
pub fn run(cx: &Cx, name: &str, terms: Vec<V>, named: Vec<(Arc<str>, V)>, in_loop: bool) -> Res<Vec<V>> {
    if find(name).is_some_and(|l| !l.takes_undefined) {
        for term in &terms {
            term.check()?;
        }
    }
    let how = if in_loop { How::Loop } else { How::Function };
    invoke(cx, name, terms, named, how).map_err(|failure| match failure {
        Failed::Undefined(fault) => fault,
        Failed::Lookup(fault) => failed(name, fault),
    })
}
