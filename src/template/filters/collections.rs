//! Filters on dicts, and on dicts and lists together.

use super::select::fold;
use super::{FILTER, Filter, as_text, each, optional, required};
use crate::template::runtime::{Args, Cx, Fault, Res, V, attribute, item, iterate, key_of, key_value, repr, sort};
use indexmap::IndexMap;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "dict2items",
        summary: "A dict as a list of keys and values.",
        params: &[optional("key_name", "str", "'key'"), optional("value_name", "str", "'value'")],
        example: ("{'a': 1} | dict2items", "[{'key': 'a', 'value': 1}]"),
        run: |cx, v, args| {
            let V::Dict(dict) = &v else {
                return Err(Fault::raw(format!(
                    "dict2items requires a dictionary, got <class '{}'> instead.",
                    v.type_name()
                )));
            };
            let (k, v) = (args.text_or(cx, "key_name", "key")?, args.text_or(cx, "value_name", "value")?);
            let items: Res<Vec<V>> = dict
                .items(cx)
                .into_iter()
                .map(|(key, value)| {
                    Ok(V::dict([(k.clone().into(), key_value(&key)), (v.clone().into(), value.trip()?)]))
                })
                .collect();
            items.map(V::list)
        },
        ..FILTER
    },
    Filter {
        name: "items2dict",
        summary: "A list of keys and values as a dict.",
        params: &[optional("key_name", "str", "'key'"), optional("value_name", "str", "'value'")],
        example: ("[{'key': 'a', 'value': 1}] | items2dict", "{'a': 1}"),
        run: items2dict,
        ..FILTER
    },
    Filter {
        name: "items",
        summary: "Pairs of keys and values.",
        example: ("{'a': 1} | items | list", "[('a', 1)]"),
        run: |cx, v, _| match &v {
            V::Dict(d) => {
                let pairs: Res<Vec<V>> =
                    d.items(cx).into_iter().map(|(k, v)| Ok(V::tuple(vec![key_value(&k), v.trip()?]))).collect();
                pairs.map(V::list)
            }
            _ => Err(Fault::raw("Can only get item pairs from a mapping.")),
        },
        ..FILTER
    },
    Filter {
        name: "dictsort",
        summary: "Pairs of keys and values in order.",
        params: &[
            optional("case_sensitive", "bool", "False"),
            optional("by", "key or value", "'key'"),
            optional("reverse", "bool", "False"),
        ],
        example: ("{'b': 1, 'a': 2} | dictsort", "[('a', 2), ('b', 1)]"),
        run: dictsort,
        ..FILTER
    },
    Filter {
        name: "attr",
        summary: "An attribute of a value; items do not count.",
        params: &[required("name", "str")],
        example: ("('abc' | attr('upper'))()", "'ABC'"),
        run: |cx, v, args| {
            let name = args.text_or(cx, "name", "")?;
            match &v {
                V::Dict(_) if !crate::template::runtime::has_method(&v, &name) => Ok(v.missing(&V::str(name))),
                _ => attribute(cx, &v, &name.into()),
            }
        },
        ..FILTER
    },
    Filter {
        name: "extract",
        summary: "The item of a container that this key names, and from there on by more keys.",
        params: &[required("container", "list or dict"), optional("morekeys", "any", "None")],
        takes_undefined: false,
        example: ("'a' | extract({'a': [7, 8]}, 1)", "8"),
        run: |cx, v, args| {
            let mut at = item(cx, &args.value("container"), &v)?;
            match args.get("morekeys") {
                None => {}
                Some(V::List(keys)) => {
                    for key in keys.items(cx) {
                        at = item(cx, &at, &key)?;
                    }
                }
                Some(key) => at = item(cx, &at, key)?,
            }
            Ok(at)
        },
        ..FILTER
    },
    Filter {
        name: "subelements",
        summary: "Pairs of each item and each part of one of its lists.",
        params: &[required("subelements", "str or list"), optional("skip_missing", "bool", "False")],
        example: ("[{'n': 'a', 'l': [1, 2]}] | subelements('l') | map('last') | list", "[1, 2]"),
        run: subelements,
        ..FILTER
    },
    Filter {
        name: "rekey_on_member",
        summary: "Dicts by one of their members.",
        params: &[required("key", "str"), optional("duplicates", "error or overwrite", "'error'")],
        example: ("[{'n': 'a', 'x': 1}] | rekey_on_member('n')", "{'a': {'n': 'a', 'x': 1}}"),
        run: rekey,
        ..FILTER
    },
    Filter {
        name: "zip",
        summary: "Items of several lists side by side, as long as the shortest lasts.",
        params: &[],
        rest: Some("lists"),
        named: true,
        example: ("[1, 2] | zip(['a', 'b']) | list", "[(1, 'a'), (2, 'b')]"),
        run: |cx, v, args| {
            let strict = named_flag(&args, "strict")?;
            let lists = all_lists(cx, v, &args)?;
            let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
            if strict && lists.iter().any(|l| l.len() != shortest) {
                return Err(Fault::raw("zip() arguments are not of the same length"));
            }
            Ok(V::list((0..shortest).map(|i| V::tuple(lists.iter().map(|l| l[i].clone()).collect())).collect()))
        },
        ..FILTER
    },
    Filter {
        name: "zip_longest",
        summary: "Items of several lists side by side, as long as the longest lasts.",
        rest: Some("lists"),
        named: true,
        example: ("[1, 2] | zip_longest(['a']) | list", "[(1, 'a'), (2, None)]"),
        run: |cx, v, args| {
            let fill = args.named.iter().find(|(n, _)| &**n == "fillvalue").map_or(V::None, |(_, v)| v.clone());
            let lists = all_lists(cx, v, &args)?;
            let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
            let row = |i: usize| lists.iter().map(|l| l.get(i).cloned().unwrap_or_else(|| fill.clone())).collect();
            Ok(V::list((0..longest).map(|i| V::tuple(row(i))).collect()))
        },
        ..FILTER
    },
    Filter {
        name: "product",
        summary: "Every combination of items of several lists.",
        rest: Some("lists"),
        named: true,
        example: ("[1, 2] | product(['a', 'b']) | list", "[(1, 'a'), (1, 'b'), (2, 'a'), (2, 'b')]"),
        run: |cx, v, args| {
            let repeat = match args.named.iter().find(|(n, _)| &**n == "repeat") {
                Some((_, V::Int(n))) => usize::try_from(*n).unwrap_or(0),
                _ => 1,
            };
            let lists = all_lists(cx, v, &args)?;
            let mut rows: Vec<Vec<V>> = vec![vec![]];
            for list in lists.iter().cycle().take(lists.len() * repeat.min(20)) {
                if rows.len().saturating_mul(list.len()) > LIMIT {
                    return Err(too_many());
                }
                rows = rows
                    .iter()
                    .flat_map(|row| list.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()))
                    .collect();
            }
            Ok(V::list(rows.into_iter().map(V::tuple).collect()))
        },
        ..FILTER
    },
    Filter {
        name: "permutations",
        summary: "Every order of (some of) the items.",
        params: &[optional("r", "int", "None")],
        example: ("[1, 2] | permutations | list", "[(1, 2), (2, 1)]"),
        run: |cx, v, args| {
            let items = each(cx, &v)?;
            let r = usize::try_from(args.int("r", items.len() as i64)?)
                .map_err(|_| Fault::raw("r must be non-negative"))?;
            let mut out = vec![];
            permute(&items, r, &mut vec![], &mut out)?;
            Ok(V::list(out))
        },
        ..FILTER
    },
    Filter {
        name: "combinations",
        summary: "Every choice of a number of items.",
        params: &[required("r", "int")],
        example: ("[1, 2, 3] | combinations(2) | list", "[(1, 2), (1, 3), (2, 3)]"),
        run: |cx, v, args| {
            let items = each(cx, &v)?;
            let r = usize::try_from(args.int("r", 0)?).map_err(|_| Fault::raw("r must be non-negative"))?;
            let mut out = vec![];
            combine(&items, r, 0, &mut vec![], &mut out)?;
            Ok(V::list(out))
        },
        ..FILTER
    },
];

/// The most rows that a filter makes.
const LIMIT: usize = 1 << 22;

fn too_many() -> std::sync::Arc<Fault> {
    Fault::raw("the result is too large")
}

fn named_flag(args: &Args, name: &str) -> Res<bool> {
    args.named.iter().find(|(n, _)| &**n == name).map_or(Ok(false), |(_, v)| crate::template::runtime::truth(v))
}

fn all_lists(cx: &Cx, v: V, args: &Args) -> Res<Vec<Vec<V>>> {
    std::iter::once(&v).chain(&args.rest).map(|l| each(cx, l)).collect()
}

fn permute(items: &[V], r: usize, chosen: &mut Vec<usize>, out: &mut Vec<V>) -> Res<()> {
    if out.len() > LIMIT {
        return Err(too_many());
    }
    if chosen.len() == r {
        out.push(V::tuple(chosen.iter().map(|i| items[*i].clone()).collect()));
        return Ok(());
    }
    for i in 0..items.len() {
        if !chosen.contains(&i) {
            chosen.push(i);
            permute(items, r, chosen, out)?;
            chosen.pop();
        }
    }
    Ok(())
}

fn combine(items: &[V], r: usize, from: usize, chosen: &mut Vec<usize>, out: &mut Vec<V>) -> Res<()> {
    if out.len() > LIMIT {
        return Err(too_many());
    }
    if chosen.len() == r {
        out.push(V::tuple(chosen.iter().map(|i| items[*i].clone()).collect()));
        return Ok(());
    }
    for i in from..items.len() {
        chosen.push(i);
        combine(items, r, i + 1, chosen, out)?;
        chosen.pop();
    }
    Ok(())
}

fn items2dict(cx: &Cx, v: V, args: Args) -> Res {
    if !matches!(v, V::List(_) | V::Tuple(_)) {
        return Err(Fault::raw(format!("items2dict requires a list, got <class '{}'> instead.", v.type_name())));
    }
    let (key, value) = (args.text_or(cx, "key_name", "key")?, args.text_or(cx, "value_name", "value")?);
    let mut out = IndexMap::new();
    for entry in each(cx, &v)? {
        let V::Dict(dict) = &entry else {
            return Err(Fault::raw(format!(
                "items2dict requires a list of dictionaries, got {} instead.",
                repr(cx, &v)?
            )));
        };
        let (Some(k), Some(val)) = (dict.get_str(cx, &key), dict.get_str(cx, &value)) else {
            return Err(Fault::raw(format!(
                "items2dict requires each dictionary in the list to contain the keys '{key}' and '{value}', got {} instead.",
                repr(cx, &v)?
            )));
        };
        out.insert(key_of(&k)?, val.trip()?);
    }
    Ok(V::dict(out))
}

fn dictsort(cx: &Cx, v: V, args: Args) -> Res {
    let V::Dict(dict) = &v else {
        return Err(Fault::raw(format!("'{}' object has no attribute 'items'", v.type_name())));
    };
    let by_value = match args.text_or(cx, "by", "key")?.as_str() {
        "key" => false,
        "value" => true,
        _ => return Err(Fault::raw("You can only sort by either \"key\" or \"value\"")),
    };
    let sensitive = args.flag("case_sensitive", false)?;
    let mut keyed = vec![];
    for (key, value) in dict.items(cx) {
        let (key, value) = (key_value(&key), value.trip()?);
        let by = fold(if by_value { &value } else { &key }, sensitive);
        keyed.push((by, V::tuple(vec![key, value])));
    }
    sort(cx, &mut keyed, args.flag("reverse", false)?)?;
    Ok(V::list(keyed.into_iter().map(|(_, v)| v).collect()))
}

fn subelements(cx: &Cx, v: V, args: Args) -> Res {
    let elements = match &v {
        V::Dict(d) => d.items(cx).into_iter().map(|(_, v)| v).collect(),
        V::List(l) => l.items(cx),
        _ => return Err(Fault::raw("obj must be a list of dicts or a nested dict")),
    };
    let path: Vec<V> = match args.value("subelements") {
        V::List(l) => l.items(cx),
        V::Str(t) => t.split('.').map(V::str).collect(),
        _ => return Err(Fault::raw("subelements must be a list or a string")),
    };
    let skip = args.flag("skip_missing", false)?;
    let mut out = vec![];
    for element in elements {
        let mut at = element.clone().trip()?;
        let mut missing = false;
        for key in &path {
            let V::Dict(d) = &at else {
                return Err(Fault::raw(format!(
                    "the key {} should point to a dictionary, got '{}'",
                    as_text(cx, key)?,
                    as_text(cx, &at)?
                )));
            };
            match d.get(cx, &key_of(key)?) {
                Some(next) => at = next.trip()?,
                None if skip => {
                    missing = true;
                    break;
                }
                None => {
                    return Err(Fault::raw(format!(
                        "could not find {} key in iterated item {}",
                        repr(cx, key)?,
                        repr(cx, &at)?
                    )));
                }
            }
        }
        if missing {
            continue;
        }
        let V::List(parts) = &at else {
            let last = path.last().map_or(Ok(String::new()), |k| repr(cx, k))?;
            return Err(Fault::raw(format!("the key {last} should point to a list, got {}", repr(cx, &at)?)));
        };
        for part in parts.items(cx) {
            out.push(V::tuple(vec![element.clone(), part]));
        }
    }
    Ok(V::list(out))
}

fn rekey(cx: &Cx, v: V, args: Args) -> Res {
    let overwrite = match args.text_or(cx, "duplicates", "error")?.as_str() {
        "error" => false,
        "overwrite" => true,
        other => {
            return Err(Fault::raw(format!("duplicates parameter to rekey_on_member has unknown value '{other}'")));
        }
    };
    let items = match &v {
        V::Dict(d) => d.items(cx).into_iter().map(|(_, v)| v).collect(),
        V::Str(_) | V::Bytes(_) => return Err(Fault::raw("Type is not a valid list, set, or dict")),
        other => iterate(cx, other).map_err(|_| Fault::raw("Type is not a valid list, set, or dict"))?,
    };
    let member = args.value("key");
    let mut out = IndexMap::new();
    for entry in items {
        let V::Dict(dict) = &entry else { return Err(Fault::raw("List item is not a valid dict")) };
        let key = dict
            .get(cx, &key_of(&member)?)
            .ok_or_else(|| Fault::raw(format!("Key {} was not found.", repr(cx, &member).unwrap_or_default())))?;
        let name = key_of(&key)?;
        if out.contains_key(&name) && !overwrite {
            return Err(Fault::raw(format!("Key {} is not unique, cannot convert to dict.", repr(cx, &key)?)));
        }
        out.insert(name, entry);
    }
    Ok(V::dict(out))
}
