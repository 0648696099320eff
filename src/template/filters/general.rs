//! Filters of community.general.

use super::{FILTER, Filter, as_text, each, optional, required};
use crate::template::runtime::{Args, Cx, Fault, Res, V, equal, iterate, key_of, repr};
use crate::template::tests::compare_loose_text;
use indexmap::IndexMap;
use std::cmp::Ordering;

const GENERAL: Filter = Filter { collection: "community.general", ..FILTER };

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "dict_kv",
        summary: "A dict of one key with the value.",
        params: &[required("key", "any")],
        example: ("'v' | community.general.dict_kv('k')", "{'k': 'v'}"),
        run: |_, v, args| Ok(V::dict([(key_of(&args.value("key"))?, v)])),
        ..GENERAL
    },
    Filter {
        name: "dict",
        summary: "Pairs as a dict.",
        example: ("[['a', 1]] | community.general.dict", "{'a': 1}"),
        run: |cx, v, _| {
            let mut out = IndexMap::new();
            for (i, pair) in each(cx, &v)?.iter().enumerate() {
                let pair = iterate(cx, pair)?;
                let [key, value] = &pair[..] else {
                    return Err(Fault::raw(format!(
                        "dictionary update sequence element #{i} has length {}; 2 is required",
                        pair.len()
                    )));
                };
                out.insert(key_of(key)?, value.clone());
            }
            Ok(V::dict(out))
        },
        ..GENERAL
    },
    Filter {
        name: "groupby_as_dict",
        summary: "Dicts by one of their keys.",
        params: &[required("attribute", "str")],
        example: ("[{'n': 'a'}] | community.general.groupby_as_dict('n')", "{'a': {'n': 'a'}}"),
        run: |cx, v, args| {
            let attribute = args.text_or(cx, "attribute", "")?;
            let mut out = IndexMap::new();
            for (i, item) in each(cx, &v)?.into_iter().enumerate() {
                let V::Dict(dict) = &item else {
                    return Err(Fault::raw(format!("Sequence element #{i} is not a mapping")));
                };
                let value = dict
                    .get_str(cx, &attribute)
                    .ok_or_else(|| Fault::raw(format!("Attribute not contained in element #{i} of sequence")))?;
                let key = key_of(&value)?;
                if out.contains_key(&key) {
                    return Err(Fault::raw(format!(
                        "Multiple sequence entries have attribute value {}",
                        repr(cx, &value)?
                    )));
                }
                out.insert(key, item);
            }
            Ok(V::dict(out))
        },
        ..GENERAL
    },
    Filter {
        name: "counter",
        summary: "How often each item occurs.",
        example: ("['a', 'b', 'a'] | community.general.counter", "{'a': 2, 'b': 1}"),
        run: |cx, v, _| {
            let mut out: IndexMap<crate::value::Key, i64> = IndexMap::new();
            for item in each(cx, &v)? {
                *out.entry(key_of(&item)?).or_default() += 1;
            }
            Ok(V::dict(out.into_iter().map(|(k, n)| (k, V::Int(n)))))
        },
        ..GENERAL
    },
    Filter {
        name: "version_sort",
        summary: "Versions in order.",
        params: &[optional("reverse", "bool", "False")],
        example: ("['2.10', '2.9'] | community.general.version_sort", "['2.9', '2.10']"),
        run: |cx, v, args| {
            let mut items: Vec<(String, V)> =
                each(cx, &v)?.into_iter().map(|v| Ok((as_text(cx, &v)?, v))).collect::<Res<_>>()?;
            let mut fault = None;
            let reverse = args.flag("reverse", false)?;
            items.sort_by(|(a, _), (b, _)| {
                let order = compare_loose_text(a, b).unwrap_or_else(|e| {
                    fault = Some(e);
                    Ordering::Equal
                });
                if reverse { order.reverse() } else { order }
            });
            match fault {
                Some(e) => Err(Fault::raw(e)),
                None => Ok(V::list(items.into_iter().map(|(_, v)| v).collect())),
            }
        },
        ..GENERAL
    },
    Filter {
        name: "lists_union",
        summary: "Items of any of the lists, each once, in order.",
        rest: Some("lists"),
        named: true,
        example: ("[3, 1] | community.general.lists_union([2, 1])", "[3, 1, 2]"),
        run: |cx, v, args| {
            lists(cx, v, args, |cx, a, b| {
                let mut out = a;
                out.extend(b);
                distinct(cx, out)
            })
        },
        ..GENERAL
    },
    Filter {
        name: "lists_intersect",
        summary: "Items of all of the lists, each once, in order.",
        rest: Some("lists"),
        named: true,
        example: ("[3, 1] | community.general.lists_intersect([1, 2])", "[1]"),
        run: |cx, v, args| lists(cx, v, args, |cx, a, b| distinct(cx, keep(cx, a, &b, true)?)),
        ..GENERAL
    },
    Filter {
        name: "lists_difference",
        summary: "Items of the first list that no other has, each once, in order.",
        rest: Some("lists"),
        named: true,
        example: ("[3, 1] | community.general.lists_difference([1, 2])", "[3]"),
        run: |cx, v, args| lists(cx, v, args, |cx, a, b| distinct(cx, keep(cx, a, &b, false)?)),
        ..GENERAL
    },
    Filter {
        name: "lists_symmetric_difference",
        summary: "Items that only one of the lists has.",
        rest: Some("lists"),
        named: true,
        example: ("[3, 1] | community.general.lists_symmetric_difference([1, 2])", "[3, 2]"),
        run: |cx, v, args| {
            lists(cx, v, args, |cx, a, b| {
                let mut out = keep(cx, a.clone(), &b, false)?;
                out.extend(keep(cx, b, &a, false)?);
                distinct(cx, out)
            })
        },
        ..GENERAL
    },
    Filter {
        name: "random_mac",
        summary: "A random hardware address with a given start.",
        params: &[optional("seed", "str", "None")],
        example: ("'52:54:00' | community.general.random_mac(seed='a') | length", "17"),
        run: random_mac,
        ..GENERAL
    },
    Filter {
        name: "crc32",
        summary: "The CRC-32 of the text, in hexadecimal digits.",
        example: ("'test' | community.general.crc32", "'d87f7e0c'"),
        run: |_, v, _| {
            let V::Str(text) = &v else {
                return Err(Fault::raw(format!("Invalid value type (<class '{}'>) for crc32", v.type_name())));
            };
            let mut crc = !0u32;
            for b in text.bytes() {
                crc ^= u32::from(b);
                for _ in 0..8 {
                    crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
                }
            }
            Ok(V::str(format!("{:x}", !crc)))
        },
        ..GENERAL
    },
    Filter {
        name: "keep_keys",
        summary: "Dicts with only the keys that match.",
        params: &[
            required("target", "str or list"),
            optional("matching_parameter", "equal, starts_with, ends_with or regex", "'equal'"),
        ],
        example: ("[{'a': 1, 'b': 2}] | community.general.keep_keys(target='a')", "[{'a': 1}]"),
        run: |cx, v, args| keys(cx, &v, &args, true),
        ..GENERAL
    },
    Filter {
        name: "remove_keys",
        summary: "Dicts without the keys that match.",
        params: &[
            required("target", "str or list"),
            optional("matching_parameter", "equal, starts_with, ends_with or regex", "'equal'"),
        ],
        example: ("[{'a': 1, 'b': 2}] | community.general.remove_keys(target='a')", "[{'b': 2}]"),
        run: |cx, v, args| keys(cx, &v, &args, false),
        ..GENERAL
    },
];

/// How two lists become one.
type Step = fn(&Cx, Vec<V>, Vec<V>) -> Res<Vec<V>>;

fn distinct(cx: &Cx, items: Vec<V>) -> Res<Vec<V>> {
    let mut out: Vec<V> = vec![];
    for item in items {
        if !super::lists::holds(cx, &out, &item)? {
            out.push(item);
        }
    }
    Ok(out)
}

fn keep(cx: &Cx, items: Vec<V>, other: &[V], wanted: bool) -> Res<Vec<V>> {
    let mut out = vec![];
    for item in items {
        let mut there = false;
        for candidate in other {
            there |= equal(cx, candidate, &item)?;
        }
        if there == wanted {
            out.push(item);
        }
    }
    Ok(out)
}

fn lists(cx: &Cx, v: V, args: Args, step: Step) -> Res {
    let mut all = vec![];
    for list in std::iter::once(v).chain(args.rest) {
        if !matches!(list, V::List(_) | V::Tuple(_)) {
            return Err(Fault::raw(format!("All arguments must be lists, but got <class '{}'>", list.type_name())));
        }
        all.push(each(cx, &list)?);
    }
    if args.named.iter().any(|(n, v)| &**n == "flatten" && crate::template::runtime::truth(v).unwrap_or(false)) {
        let mut flat = vec![];
        for list in all.remove(0) {
            flat.push(each(cx, &list)?);
        }
        flat.append(&mut all);
        all = flat;
    }
    let mut lists = all.into_iter();
    let mut out = lists.next().unwrap_or_default();
    for list in lists {
        out = step(cx, out, list)?;
    }
    distinct(cx, out).map(V::list)
}

fn random_mac(cx: &Cx, v: V, args: Args) -> Res {
    let text = as_text(cx, &v)?.to_lowercase();
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 5 {
        return Err(Fault::raw(format!("Invalid value ({text}) for random_mac: 5 colon(:) separated items max")));
    }
    for part in &parts {
        if part.len() != 2 || u8::from_str_radix(part, 16).is_err() {
            return Err(Fault::raw(format!("Invalid value ({text}) for random_mac: {part} not hexa byte")));
        }
    }
    let mut random = super::generator(cx, args.get("seed"))?;
    let low = 0x10_0000_0000u64;
    let n = low + random.below(0xff_ffff_ffff - low + 1);
    let digits = format!("{n:010x}");
    let tail: Vec<&str> = (0..5).map(|i| &digits[i * 2..i * 2 + 2]).collect();
    Ok(V::str(format!("{text}:{}", tail[..6 - parts.len()].join(":"))))
}

fn keys(cx: &Cx, v: &V, args: &Args, wanted: bool) -> Res {
    let target = args.value("target");
    let targets: Vec<String> = match &target {
        V::Str(t) => vec![t.to_string()],
        other => each(cx, other)?.iter().map(|t| as_text(cx, t)).collect::<Res<_>>()?,
    };
    let how = args.text_or(cx, "matching_parameter", "equal")?;
    let mut out = vec![];
    for item in each(cx, v)? {
        let V::Dict(dict) = &item else {
            return Err(Fault::raw(format!(
                "The elements of the data list must be dictionaries, not {}",
                item.type_name()
            )));
        };
        let mut kept = IndexMap::new();
        for (key, value) in dict.items(cx) {
            let name = key.to_json_key();
            let mut hit = false;
            for target in &targets {
                hit |= match how.as_str() {
                    "equal" => name == *target,
                    "starts_with" => name.starts_with(target.as_str()),
                    "ends_with" => name.ends_with(target.as_str()),
                    "regex" => super::regex_matches(cx, &name, &V::str(target.as_str()), false, false, "match")?,
                    other => return Err(Fault::raw(format!("matching_parameter {other} is not valid"))),
                };
            }
            if hit == wanted {
                kept.insert(key, value);
            }
        }
        out.push(V::dict(kept));
    }
    Ok(V::list(out))
}
