//! Names that every template has: `range`, `dict`, `namespace`, `now`, `lookup` and their kin.

use super::{Call, Cx, Fault, Object, Res, Time, V, iterate, key_of, truth};
use crate::template::lookups::LookupFunction;
use indexmap::IndexMap;
use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub fn global(_cx: &Cx, name: &str) -> Option<V> {
    let function = |name: &'static str, run: fn(&Cx, Call) -> Res| V::Obj(Arc::new(Function { name, run }));
    Some(match name {
        "omit" => V::Omit,
        "range" => function("range", range),
        "dict" => function("dict", dict),
        "namespace" => function("namespace", namespace),
        "cycler" => function("cycler", cycler),
        "joiner" => function("joiner", joiner),
        "now" => function("now", now),
        "undef" => function("undef", undef),
        "lookup" => V::Obj(Arc::new(LookupFunction { list: false })),
        "query" | "q" => V::Obj(Arc::new(LookupFunction { list: true })),
        _ => return None,
    })
}

struct Function {
    name: &'static str,
    run: fn(&Cx, Call) -> Res,
}

impl Object for Function {
    fn type_name(&self) -> &str {
        match self.name {
            "range" | "dict" | "namespace" | "cycler" | "joiner" => "type",
            _ => "function",
        }
    }
    fn repr(&self, _: &Cx) -> Res<String> {
        Ok(match self.type_name() {
            "type" => format!("<class '{}'>", self.name),
            _ => format!("<function {}>", self.name),
        })
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, cx: &Cx, call: Call) -> Res {
        (self.run)(cx, call)
    }
    fn method(&self, cx: &Cx, name: &str, args: &Call) -> Option<Res> {
        (self.name == "dict" && name == "fromkeys").then(|| {
            let default = args.pos.get(1).cloned().unwrap_or(V::None);
            let keys = iterate(cx, args.pos.first().unwrap_or(&V::None))?;
            let pairs: Res<IndexMap<_, _>> = keys.iter().map(|k| Ok((key_of(k)?, default.clone()))).collect();
            pairs.map(V::dict)
        })
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `range(…)`, not expanded until it is used.
pub struct Range {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
}

/// The longest range that is expanded.
const MAX_RANGE: usize = 10_000_000;

impl Range {
    fn count(&self) -> usize {
        let span = if self.step > 0 {
            i128::from(self.stop) - i128::from(self.start)
        } else {
            i128::from(self.start) - i128::from(self.stop)
        };
        let step = i128::from(self.step).abs();
        usize::try_from((span + step - 1).div_euclid(step).max(0)).unwrap_or(usize::MAX)
    }
    pub fn nth(&self, i: usize) -> i64 {
        self.start + self.step * i as i64
    }
}

impl Range {
    pub fn slice(&self, from: Option<i64>, to: Option<i64>, step: i64) -> Range {
        let indices: Vec<usize> = super::evaluate::slice_indices(self.count().min(MAX_RANGE), from, to, step).collect();
        let start = indices.first().map_or(self.start, |i| self.nth(*i));
        let step = self.step.saturating_mul(step);
        Range { start, stop: indices.last().map_or(start, |i| self.nth(*i) + step.signum()), step }
    }
}

impl Object for Range {
    fn type_name(&self) -> &str {
        "range"
    }
    fn repr(&self, _: &Cx) -> Res<String> {
        Ok(if self.step == 1 {
            format!("range({}, {})", self.start, self.stop)
        } else {
            format!("range({}, {}, {})", self.start, self.stop, self.step)
        })
    }
    fn item(&self, _: &Cx, key: &V) -> Res<Option<V>> {
        let V::Int(i) = key else { return Ok(None) };
        let len = self.count() as i64;
        let i = if *i < 0 { i + len } else { *i };
        Ok((0..len).contains(&i).then(|| V::Int(self.nth(i as usize))))
    }
    fn items(&self) -> Option<Vec<V>> {
        Some((0..self.count().min(MAX_RANGE)).map(|i| V::Int(self.nth(i))).collect())
    }
    fn len(&self) -> Option<usize> {
        Some(self.count())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn range(_: &Cx, call: Call) -> Res {
    let mut n = vec![];
    for v in &call.pos {
        match v {
            V::Int(i) => n.push(*i),
            V::Bool(b) => n.push(i64::from(*b)),
            other => {
                return Err(Fault::raw(format!("'{}' object cannot be interpreted as an integer", other.type_name())));
            }
        }
    }
    let (start, stop, step) = match n[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] => (start, stop, step),
        _ => return Err(Fault::raw(format!("range expected at least 1 argument, got {}", n.len()))),
    };
    if step == 0 {
        return Err(Fault::raw("range() arg 3 must not be zero"));
    }
    let range = Range { start, stop, step };
    if range.count() > MAX_RANGE {
        return Err(Fault::raw("range is too long"));
    }
    Ok(V::Obj(Arc::new(range)))
}

/// What `a if false` gives where there is no `else`: empty text, empty list, false; an error as a whole result.
pub struct NoElse;

const NO_ELSE: &str = "the inline if-expression on line 1 evaluated to false and no else section was defined.";

impl Object for NoElse {
    fn type_name(&self) -> &str {
        "Undefined"
    }
    fn repr(&self, _: &Cx) -> Res<String> {
        Ok("Undefined".to_owned())
    }
    fn text(&self, _: &Cx) -> Res<String> {
        Ok(String::new())
    }
    fn attr(&self, _: &Cx, _: &str) -> Res<Option<V>> {
        Err(Fault::raw(NO_ELSE))
    }
    fn item(&self, _: &Cx, _: &V) -> Res<Option<V>> {
        Err(Fault::raw(NO_ELSE))
    }
    fn items(&self) -> Option<Vec<V>> {
        Some(vec![])
    }
    fn len(&self) -> Option<usize> {
        Some(0)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `dict(pairs, **more)`
fn dict(cx: &Cx, call: Call) -> Res {
    let mut map = IndexMap::new();
    match call.pos.first() {
        None => {}
        Some(V::Dict(d)) => map.extend(d.items(cx)),
        Some(pairs) => {
            for (i, pair) in iterate(cx, pairs)?.iter().enumerate() {
                let two = iterate(cx, pair).map_err(|f| {
                    if pair.is_undef() {
                        return f;
                    }
                    Fault::raw(format!("cannot convert dictionary update sequence element #{i} to a sequence"))
                })?;
                let [key, value] = &two[..] else {
                    return Err(Fault::raw(format!(
                        "dictionary update sequence element #{i} has length {}; 2 is required",
                        two.len()
                    )));
                };
                map.insert(key_of(key)?, value.clone());
            }
        }
    }
    for (name, value) in call.named {
        map.insert(name.into(), value);
    }
    Ok(V::dict(map))
}

struct Namespace(Mutex<IndexMap<Arc<str>, V>>);

impl Object for Namespace {
    fn type_name(&self) -> &str {
        "Namespace"
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        Ok(self.0.lock().unwrap_or_else(|e| e.into_inner()).get(name).cloned())
    }
    fn item(&self, cx: &Cx, key: &V) -> Res<Option<V>> {
        key.as_str().map_or(Ok(None), |name| self.attr(cx, name))
    }
    fn set_attr(&self, name: &str, value: V) -> bool {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).insert(name.into(), value);
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn namespace(cx: &Cx, call: Call) -> Res {
    let V::Dict(all) = dict(cx, call)? else { return Ok(V::None) };
    let map = all.items(cx).into_iter().filter_map(|(k, v)| Some((k.as_str()?.into(), v))).collect();
    Ok(V::Obj(Arc::new(Namespace(Mutex::new(map)))))
}

struct Cycler {
    items: Vec<V>,
    at: AtomicUsize,
}

impl Object for Cycler {
    fn type_name(&self) -> &str {
        "Cycler"
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        Ok((name == "current").then(|| self.items[self.at.load(Ordering::Relaxed)].clone()))
    }
    fn method(&self, _: &Cx, name: &str, _: &Call) -> Option<Res> {
        match name {
            "next" => {
                let now = self.at.load(Ordering::Relaxed);
                self.at.store((now + 1) % self.items.len(), Ordering::Relaxed);
                Some(Ok(self.items[now].clone()))
            }
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Some(Ok(V::None))
            }
            _ => None,
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn cycler(_: &Cx, call: Call) -> Res {
    if call.pos.is_empty() {
        return Err(Fault::raw("at least one item has to be provided"));
    }
    Ok(V::Obj(Arc::new(Cycler { items: call.pos, at: AtomicUsize::new(0) })))
}

struct Joiner {
    separator: V,
    used: AtomicUsize,
}

impl Object for Joiner {
    fn type_name(&self) -> &str {
        "Joiner"
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, _: &Cx, _: Call) -> Res {
        Ok(if self.used.fetch_add(1, Ordering::Relaxed) == 0 { V::str("") } else { self.separator.clone() })
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn joiner(_: &Cx, call: Call) -> Res {
    let separator = call.pos.into_iter().next().unwrap_or_else(|| V::str(", "));
    Ok(V::Obj(Arc::new(Joiner { separator, used: AtomicUsize::new(0) })))
}

/// `now(utc=False, fmt=None)`
fn now(cx: &Cx, call: Call) -> Res {
    let named = |name: &str| call.named.iter().find(|(n, _)| &**n == name).map(|(_, v)| v);
    let utc = call.pos.first().or_else(|| named("utc")).map_or(Ok(false), truth)?;
    let now = Time::now(cx, utc);
    match call.pos.get(1).or_else(|| named("fmt")) {
        Some(V::Str(format)) => Ok(V::str(now.format(format))),
        _ => Ok(V::from(now)),
    }
}

/// What an undefined value without a hint of its own says.
pub const NO_HINT: &str = "Mandatory variable has not been overridden";

fn undef(_: &Cx, call: Call) -> Res {
    let hint = call.pos.first().or_else(|| call.named.iter().find(|(n, _)| &**n == "hint").map(|(_, v)| v));
    let message = match hint {
        Some(V::Str(t)) if !t.is_empty() => t.to_string(),
        None | Some(V::None | V::Str(_)) => NO_HINT.to_owned(),
        Some(other) => {
            return Err(Fault::raw(format!(
                "The 'hint' argument must be of type 'str' or 'NoneType', not '{}'.",
                other.type_name()
            )));
        }
    };
    Ok(V::Undef(Fault::undefined(message, None)))
}
