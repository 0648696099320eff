//! Methods of dicts. Views come back as lists, as ansible-core makes them.

use super::required;
use crate::template::runtime::{Call, Cx, Dict, Fault, Res, V, iterate, key_of, key_value, repr};
use std::sync::Arc;

pub const NAMES: &[&str] =
    &["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];

pub fn call(cx: &Cx, dict: &Arc<Dict>, name: &str, args: &Call) -> Res {
    let default = || args.pos.get(1).cloned().unwrap_or(V::None);
    Ok(match name {
        "get" => {
            let key = required(args, 0, "get")?;
            match key_of(key) {
                Ok(key) => match dict.get(cx, &key) {
                    // A method is no place for an undefined value: it is told at once.
                    Some(v) => v.trip()?,
                    None => args
                        .pos
                        .get(1)
                        .or_else(|| args.named.iter().find(|(n, _)| &**n == "default").map(|(_, v)| v))
                        .cloned()
                        .unwrap_or(V::None),
                },
                Err(fault) => return Err(fault),
            }
        }
        "keys" => V::list(dict.keys().iter().map(key_value).collect()),
        "values" => V::list(dict.items(cx).into_iter().map(|(_, v)| v.trip()).collect::<Res<_>>()?),
        "items" => {
            let pairs = dict.items(cx).into_iter().map(|(k, v)| Ok(V::tuple(vec![key_value(&k), v.trip()?])));
            V::list(pairs.collect::<Res<_>>()?)
        }
        "copy" => V::dict(dict.items(cx)),
        "clear" => {
            dict.change(cx, |map| map.clear());
            V::None
        }
        "pop" => {
            let key = required(args, 0, "pop")?;
            match dict.change(cx, |map| key_of(key).map(|k| map.shift_remove(&k)))? {
                Some(v) => v,
                None if args.pos.len() > 1 => default(),
                None => return Err(Fault::raw(repr(cx, key)?)),
            }
        }
        "popitem" => match dict.change(cx, |map| map.pop()) {
            Some((k, v)) => V::tuple(vec![key_value(&k), v]),
            None => return Err(Fault::raw("'popitem(): dictionary is empty'")),
        },
        "setdefault" => {
            let key = key_of(required(args, 0, "setdefault")?)?;
            match dict.get(cx, &key) {
                Some(v) => v,
                None => {
                    dict.change(cx, |map| map.insert(key, default()));
                    default()
                }
            }
        }
        "update" => {
            let mut new = vec![];
            match args.pos.first() {
                None => {}
                Some(V::Dict(d)) => new = d.items(cx),
                Some(pairs) => {
                    for pair in iterate(cx, pairs)? {
                        match &iterate(cx, &pair)?[..] {
                            [k, v] => new.push((key_of(k)?, v.clone())),
                            other => {
                                return Err(Fault::raw(format!(
                                    "dictionary update sequence element #0 has length {}; 2 is required",
                                    other.len()
                                )));
                            }
                        }
                    }
                }
            }
            new.extend(args.named.iter().map(|(n, v)| (n.clone().into(), v.clone())));
            dict.change(cx, |map| map.extend(new));
            V::None
        }
        "fromkeys" => {
            let keys = iterate(cx, required(args, 0, "fromkeys")?)?;
            let pairs: Res<Vec<_>> = keys.iter().map(|k| Ok((key_of(k)?, default()))).collect();
            V::dict(pairs?)
        }
        _ => return Err(Fault::raw(format!("'dict' object has no method '{name}'"))),
    })
}
