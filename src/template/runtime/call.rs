//! Arguments of calls: as given, and bound to a table of parameters.

use super::{Cx, Fault, Num, Res, V, truth};
use std::sync::Arc;

/// Arguments as given.
#[derive(Clone, Default)]
pub struct Call {
    pub pos: Vec<V>,
    pub named: Vec<(Arc<str>, V)>,
}

/// One parameter of a filter, test or lookup: its name, its type and default as people read them.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub kind: &'static str,
    /// Python's text of the default; `None` for what must be given.
    pub default: Option<&'static str>,
}

/// Arguments by parameter.
pub struct Args {
    slots: Vec<Option<V>>,
    /// Positional arguments beyond the parameters.
    pub rest: Vec<V>,
    /// Named arguments beyond the parameters.
    pub named: Vec<(Arc<str>, V)>,
    params: &'static [Param],
}

impl Call {
    pub fn pos(pos: Vec<V>) -> Self {
        Call { pos, named: vec![] }
    }
    /// The first argument that is undefined or failed.
    pub fn fault(&self) -> Option<&Arc<Fault>> {
        self.pos.iter().chain(self.named.iter().map(|(_, v)| v)).find_map(|v| match v {
            V::Undef(f) => Some(f),
            _ => None,
        })
    }
    /// Binds to parameters. `rest` and `named` say whether surplus arguments are wanted.
    ///
    /// # Errors
    /// As Python's `TypeError`.
    pub fn bind(self, what: &str, params: &'static [Param], rest: bool, named: bool) -> Res<Args> {
        let mut args = Args { slots: vec![None; params.len()], rest: vec![], named: vec![], params };
        let given = self.pos.len();
        for (i, v) in self.pos.into_iter().enumerate() {
            match args.slots.get_mut(i) {
                Some(slot) => *slot = Some(v),
                None if rest => args.rest.push(v),
                None => {
                    return Err(Fault::raw(format!(
                        "{what}() takes at most {} arguments but {given} were given",
                        params.len()
                    )));
                }
            }
        }
        for (name, v) in self.named {
            match params.iter().position(|p| p.name == &*name) {
                Some(i) if args.slots[i].is_some() => {
                    return Err(Fault::raw(format!("{what}() got multiple values for argument '{name}'")));
                }
                Some(i) => args.slots[i] = Some(v),
                None if named => args.named.push((name, v)),
                None => return Err(Fault::raw(format!("{what}() got an unexpected keyword argument '{name}'"))),
            }
        }
        for (slot, param) in args.slots.iter().zip(params) {
            if slot.is_none() && param.default.is_none() {
                return Err(Fault::raw(format!("{what}() missing 1 required positional argument: '{}'", param.name)));
            }
        }
        Ok(args)
    }
}

impl Args {
    fn index(&self, name: &str) -> usize {
        self.params.iter().position(|p| p.name == name).expect("the name is in the table beside the function")
    }
    /// What was given, if it was and is not None.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.given(name).filter(|v| !matches!(v, V::None))
    }
    /// What was given, None included.
    pub fn given(&self, name: &str) -> Option<&V> {
        self.slots[self.index(name)].as_ref()
    }
    /// As [`Args::given`], for tables that may lack the parameter.
    pub fn given_if(&self, name: &str) -> Option<&V> {
        let index = self.params.iter().position(|p| p.name == name)?;
        self.slots[index].as_ref()
    }
    pub fn value(&self, name: &str) -> V {
        self.given(name).cloned().unwrap_or(V::None)
    }
    pub fn flag(&self, name: &str, default: bool) -> Res<bool> {
        self.given(name).map_or(Ok(default), truth)
    }
    pub fn int(&self, name: &str, default: i64) -> Res<i64> {
        match self.get(name) {
            None => Ok(default),
            Some(V::Int(i)) => Ok(*i),
            Some(V::Bool(b)) => Ok(i64::from(*b)),
            Some(V::Float(f)) => Ok(*f as i64),
            Some(V::Str(t)) => t.trim().parse().map_err(|_| {
                Fault::raw(format!("invalid literal for int() with base 10: {}", crate::value::repr_str(t)))
            }),
            Some(other) => Err(self.wrong(name, "int", other)),
        }
    }
    pub fn float(&self, name: &str, default: f64) -> Res<f64> {
        match self.get(name) {
            None => Ok(default),
            Some(v) => Num::of(v).map(|n| n.as_f64()).ok_or_else(|| self.wrong(name, "float", v)),
        }
    }
    /// Text; numbers are taken as their text.
    pub fn text(&self, cx: &Cx, name: &str) -> Res<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(v) => super::text(cx, v).map(Some),
        }
    }
    pub fn text_or(&self, cx: &Cx, name: &str, default: &str) -> Res<String> {
        Ok(self.text(cx, name)?.unwrap_or_else(|| default.to_owned()))
    }
    fn wrong(&self, name: &str, wanted: &str, got: &V) -> Arc<Fault> {
        Fault::raw(format!("argument '{name}' must be {wanted}, not {}", got.type_name()))
    }
}
