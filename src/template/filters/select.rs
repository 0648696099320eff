//! Filters that apply tests and filters to each item.

use super::{FILTER, Filter, each, required};
use crate::template::runtime::{
    Args, Call, Cx, Fault, Object, Res, V, call_filter, call_test, equal, item, iterate, repr, sort, truth,
};
use std::sync::Arc;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "map",
        summary: "An attribute of each item, or a filter applied to each.",
        rest: Some("filter, arguments"),
        named: true,
        takes_undefined: true,
        example: ("[{'a': 1}, {'a': 2}] | map(attribute='a') | list", "[1, 2]"),
        run: map,
        ..FILTER
    },
    Filter {
        name: "select",
        summary: "The items that pass a test.",
        rest: Some("test, arguments"),
        named: true,
        example: ("[1, 2, 3] | select('odd') | list", "[1, 3]"),
        run: |cx, v, args| choose(cx, &v, args, false, true),
        ..FILTER
    },
    Filter {
        name: "reject",
        summary: "The items that do not pass a test.",
        rest: Some("test, arguments"),
        named: true,
        example: ("[1, 2, 3] | reject('odd') | list", "[2]"),
        run: |cx, v, args| choose(cx, &v, args, false, false),
        ..FILTER
    },
    Filter {
        name: "selectattr",
        summary: "The items of which an attribute passes a test.",
        rest: Some("attribute, test, arguments"),
        named: true,
        example: ("[{'a': 1}, {'a': 2}] | selectattr('a', '==', 2) | list", "[{'a': 2}]"),
        run: |cx, v, args| choose(cx, &v, args, true, true),
        ..FILTER
    },
    Filter {
        name: "rejectattr",
        summary: "The items of which an attribute does not pass a test.",
        rest: Some("attribute, test, arguments"),
        named: true,
        example: ("[{'a': 1}, {'a': 2}] | rejectattr('a', '==', 2) | list", "[{'a': 1}]"),
        run: |cx, v, args| choose(cx, &v, args, true, false),
        ..FILTER
    },
    Filter {
        name: "groupby",
        summary: "Groups items by an attribute: pairs of value and items, sorted.",
        params: &[
            required("attribute", "str"),
            super::optional("default", "any", "None"),
            super::optional("case_sensitive", "bool", "False"),
        ],
        example: ("[{'a': 2, 'b': 1}, {'a': 1, 'b': 2}] | groupby('a') | map('first') | list", "[1, 2]"),
        run: group_by,
        ..FILTER
    },
];

/// A dotted path of keys and indices; what is missing on the way is undefined.
pub fn get_path(cx: &Cx, v: &V, path: &V) -> Res {
    match path {
        V::Str(t) => {
            let mut at = v.clone();
            for part in t.split('.') {
                let key = match part.parse::<i64>() {
                    Ok(i) if part.bytes().all(|b| b.is_ascii_digit()) => V::Int(i),
                    _ => V::str(part),
                };
                at = item(cx, &at, &key)?;
            }
            Ok(at)
        }
        other => item(cx, v, other),
    }
}

fn map(cx: &Cx, v: V, mut args: Args) -> Res {
    if args.rest.is_empty()
        && let Some(at) = args.named.iter().position(|(n, _)| &**n == "attribute")
    {
        let path = args.named.remove(at).1;
        let default = args.named.iter().position(|(n, _)| &**n == "default").map(|at| args.named.remove(at).1);
        if let Some((name, _)) = args.named.first() {
            return Err(Fault::raw(format!("Unexpected keyword argument '{name}'")));
        }
        let mut out = vec![];
        for item in iterate(cx, &v)? {
            let found = get_path(cx, &item, &path)?;
            out.push(match (&found, &default) {
                (V::Undef(_), Some(default)) if !matches!(default, V::None) => default.clone(),
                _ => found,
            });
        }
        return Ok(V::list(out));
    }
    if is_nothing(&v)? {
        return Ok(V::list(vec![]));
    }
    if args.rest.is_empty() {
        return Err(Fault::raw("map requires a filter argument"));
    }
    let items = iterate(cx, &v)?;
    let name = args.rest.remove(0).trip()?;
    let Some(name) = name.as_str() else {
        return Err(Fault::raw("map requires a filter argument"));
    };
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let mut pos = vec![item];
        pos.extend(args.rest.iter().cloned());
        let mapped = call_filter(cx, name, Call { pos, named: args.named.clone() });
        // Jinja finds out at once that there is no such filter.
        if let V::Undef(f) = &mapped
            && f.kind == crate::template::ErrorKind::Syntax
        {
            return Err(Fault::raw(f.message.clone()));
        }
        out.push(mapped);
    }
    Ok(V::list(out))
}

/// Whether there is nothing to choose from, which Jinja sees before it looks at the arguments.
fn is_nothing(v: &V) -> Res<bool> {
    truth(v).map(|t| !t)
}

fn choose(cx: &Cx, v: &V, mut args: Args, attribute: bool, wanted: bool) -> Res {
    if is_nothing(v)? {
        return Ok(V::list(vec![]));
    }
    let path = if attribute {
        if args.rest.is_empty() {
            return Err(Fault::raw("Missing parameter for attribute name"));
        }
        Some(args.rest.remove(0))
    } else {
        None
    };
    let test = if args.rest.is_empty() {
        None
    } else {
        let name = args.rest.remove(0);
        Some(name.as_str().map(str::to_owned).ok_or_else(|| Fault::raw("the name of a test must be str"))?)
    };
    let mut out = vec![];
    for item in iterate(cx, v)? {
        let subject = match &path {
            Some(path) => get_path(cx, &item, path)?,
            None => item.clone(),
        };
        let passes = match &test {
            None => truth(&subject)?,
            Some(name) => {
                let mut pos = vec![subject];
                pos.extend(args.rest.iter().cloned());
                truth(&call_test(cx, name, Call { pos, named: args.named.clone() }))?
            }
        };
        if passes == wanted {
            out.push(item);
        }
    }
    Ok(V::list(out))
}

/// One group: a tuple with the names `grouper` and `list`.
struct Group {
    grouper: V,
    list: V,
}

impl Object for Group {
    fn type_name(&self) -> &str {
        "tuple"
    }
    fn repr(&self, cx: &Cx) -> Res<String> {
        repr(cx, &V::tuple(vec![self.grouper.clone(), self.list.clone()]))
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        Ok(match name {
            "grouper" => Some(self.grouper.clone()),
            "list" => Some(self.list.clone()),
            _ => None,
        })
    }
    fn item(&self, _: &Cx, key: &V) -> Res<Option<V>> {
        Ok(match key {
            V::Int(0 | -2) => Some(self.grouper.clone()),
            V::Int(1 | -1) => Some(self.list.clone()),
            _ => None,
        })
    }
    fn items(&self) -> Option<Vec<V>> {
        Some(vec![self.grouper.clone(), self.list.clone()])
    }
    fn len(&self) -> Option<usize> {
        Some(2)
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn group_by(cx: &Cx, v: V, args: Args) -> Res {
    let path = args.value("attribute");
    let sensitive = args.flag("case_sensitive", false)?;
    let mut keyed = vec![];
    for item in each(cx, &v)? {
        let mut key = get_path(cx, &item, &path)?;
        if let (V::Undef(_), Some(default)) = (&key, args.get("default")) {
            key = default.clone();
        }
        let folded = fold(&key, sensitive);
        keyed.push((folded, V::tuple(vec![key, item])));
    }
    sort(cx, &mut keyed, false)?;
    let mut groups: Vec<(V, V, Vec<V>)> = vec![];
    for (folded, pair) in keyed {
        let V::Tuple(pair) = pair else { continue };
        match groups.last_mut() {
            Some(last) if equal(cx, &last.0, &folded)? => last.2.push(pair[1].clone()),
            _ => groups.push((folded, pair[0].clone(), vec![pair[1].clone()])),
        }
    }
    Ok(V::list(
        groups.into_iter().map(|(_, grouper, list)| V::Obj(Arc::new(Group { grouper, list: V::list(list) }))).collect(),
    ))
}

/// Text without regard to case, unless that matters.
pub fn fold(v: &V, sensitive: bool) -> V {
    match v {
        V::Str(t) if !sensitive => V::str(t.to_lowercase()),
        v => v.clone(),
    }
}
