//! Options of a lookup: named arguments, and over them the `key=value` words of a term.

use super::Lookup;
use crate::template::runtime::{Args, Cx, Fault, Res, V, text, truth};
use std::borrow::Cow;

pub struct Options<'a> {
    cx: &'a Cx<'a>,
    lookup: &'static Lookup,
    args: &'a Args,
    words: Vec<(String, String)>,
}

impl<'a> Options<'a> {
    /// # Errors
    /// A word that is none of the lookup's options.
    pub fn new(cx: &'a Cx, name: &'static str, args: &'a Args, words: Vec<(String, String)>) -> Res<Self> {
        let lookup = super::find(name).ok_or_else(|| Fault::raw(format!("no lookup {name}")))?;
        for (key, _) in &words {
            if !lookup.params.iter().any(|p| p.name == key) {
                return Err(Fault::raw(format!("{} is not a valid option", crate::value::repr_str(key))));
            }
        }
        Ok(Options { cx, lookup, args, words })
    }
    /// What was given, None included.
    pub fn given(&self, name: &str) -> Option<Cow<'_, V>> {
        match self.words.iter().rfind(|(key, _)| key == name) {
            Some((_, word)) => Some(Cow::Owned(V::str(word.as_str()))),
            None => self.args.given(name).map(Cow::Borrowed),
        }
    }
    fn get(&self, name: &str) -> Option<Cow<'_, V>> {
        self.given(name).filter(|v| !matches!(**v, V::None))
    }
    pub fn text(&self, name: &str, default: &str) -> Res<String> {
        self.get(name).map_or(Ok(default.to_owned()), |v| text(self.cx, &v))
    }
    /// `None` where it was not given.
    pub fn maybe_int(&self, name: &str) -> Res<Option<i64>> {
        let Some(v) = self.get(name) else { return Ok(None) };
        match &*v {
            V::Int(i) => Ok(Some(*i)),
            V::Bool(b) => Ok(Some(i64::from(*b))),
            V::Float(f) if f.fract() == 0.0 => Ok(Some(*f as i64)),
            V::Str(t) => t.trim().parse().map(Some).map_err(|_| self.invalid(name, &v)),
            _ => Err(self.invalid(name, &v)),
        }
    }
    pub fn int(&self, name: &str, default: i64) -> Res<i64> {
        Ok(self.maybe_int(name)?.unwrap_or(default))
    }
    pub fn flag(&self, name: &str, default: bool) -> Res<bool> {
        match self.get(name) {
            None => Ok(default),
            Some(v) => match &*v {
                V::Str(t) => Ok(crate::value::spelled_bool(t).unwrap_or(false)),
                v => truth(v),
            },
        }
    }
    fn invalid(&self, name: &str, v: &V) -> std::sync::Arc<Fault> {
        let kind = self.lookup.params.iter().find(|p| p.name == name).map_or("", |p| p.kind);
        let shown = match v {
            V::Str(t) => crate::value::repr_str(t),
            v => text(self.cx, v).unwrap_or_default(),
        };
        Fault::raw(format!(
            "Config '{name}' for '{}' lookup plugin from 'Direct' has an invalid value: Invalid value provided for '{kind}': {shown}",
            self.lookup.name
        ))
    }
}
