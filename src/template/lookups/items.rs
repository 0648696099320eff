//! Lookups that only rearrange their terms: items, list, dict, nested, together, indexed_items, random_choice, flattened.

use super::{How, LOOKUP, Lookup};
use crate::template::filters::{choice, generator};
use crate::template::runtime::{Args, Cx, Fault, Res, V, iterate, key_value, text};

pub const LOOKUPS: &[Lookup] = &[
    Lookup {
        name: "items",
        summary: "The terms, lists among them by their items.",
        example: ("query('items', [1, 2], 3)", "[1, 2, 3]"),
        run: |cx, terms, _, _| one_level(cx, terms),
        ..LOOKUP
    },
    Lookup {
        name: "list",
        summary: "The terms as they are.",
        example: ("query('list', [1, 2])", "[[1, 2]]"),
        run: |_, terms, _, _| Ok(terms.to_vec()),
        ..LOOKUP
    },
    Lookup {
        name: "dict",
        summary: "The keys and values of dicts.",
        example: ("query('dict', {'a': 1})", "[{'key': 'a', 'value': 1}]"),
        run: dict,
        ..LOOKUP
    },
    Lookup {
        name: "nested",
        summary: "Every combination of items of several lists.",
        takes_undefined: false,
        example: ("query('nested', [1, 2], ['a'])", "[[1, 'a'], [2, 'a']]"),
        run: nested,
        ..LOOKUP
    },
    Lookup {
        name: "together",
        summary: "Items of several lists side by side.",
        example: ("query('together', [1, 2], ['a'])", "[[1, 'a'], [2, None]]"),
        run: together,
        ..LOOKUP
    },
    Lookup {
        name: "indexed_items",
        summary: "Items with their numbers from 0.",
        example: ("query('indexed_items', ['a', 'b'])", "[(0, 'a'), (1, 'b')]"),
        run: |cx, terms, _, _| {
            let items = one_level(cx, terms)?;
            Ok(items.into_iter().enumerate().map(|(i, v)| V::tuple(vec![V::from(i), v])).collect())
        },
        ..LOOKUP
    },
    Lookup {
        name: "random_choice",
        summary: "One of the terms.",
        example: ("lookup('random_choice', 7)", "7"),
        run: |cx, terms, _, _| {
            let mut random = generator(cx, None)?;
            Ok(choice(terms, &mut random).into_iter().collect())
        },
        ..LOOKUP
    },
    Lookup {
        name: "flattened",
        collection: "community.general",
        summary: "The terms, lists in lists by their items.",
        example: ("query('community.general.flattened', [1, [2, [3]]])", "[1, 2, 3]"),
        run: |cx, terms, _, _| {
            let mut out = vec![];
            flatten(cx, terms, &mut out)?;
            Ok(out)
        },
        ..LOOKUP
    },
];

fn is_list(v: &V) -> bool {
    matches!(v, V::List(_) | V::Tuple(_))
}

fn one_level(cx: &Cx, terms: &[V]) -> Res<Vec<V>> {
    let mut out = vec![];
    for term in terms {
        if is_list(term) { out.extend(iterate(cx, term)?) } else { out.push(term.clone()) }
    }
    Ok(out)
}

fn flatten(cx: &Cx, terms: &[V], out: &mut Vec<V>) -> Res<()> {
    for term in terms {
        match term {
            V::None => {}
            V::Str(t) if matches!(t.as_str(), "None" | "null") => {}
            list if is_list(list) => cx.nested(|| flatten(cx, &iterate(cx, list)?, out))?,
            other => out.push(other.clone()),
        }
    }
    Ok(())
}

fn dict(cx: &Cx, terms: &[V], _: &Args, _: How) -> Res<Vec<V>> {
    let mut out = vec![];
    for term in terms {
        let V::Dict(dict) = &term else {
            let (shown, kind) = (text(cx, term)?, term.type_name());
            return Err(Fault::raw(format!(
                "the 'dict' lookup plugin expects a dictionary, got '{shown}' of type <class '{kind}'>)"
            )));
        };
        for (key, value) in dict.items(cx) {
            out.push(V::dict([("key".into(), key_value(&key)), ("value".into(), value)]));
        }
    }
    Ok(out)
}

fn nested(cx: &Cx, terms: &[V], _: &Args, _: How) -> Res<Vec<V>> {
    if terms.is_empty() {
        return Err(Fault::raw("with_nested requires at least one element in the nested list"));
    }
    if let [one] = terms {
        return iterate(cx, one)?.iter().map(|item| one_level(cx, &iterate(cx, item)?).map(V::list)).collect();
    }
    let mut rows: Vec<Vec<V>> = vec![vec![]];
    for term in terms {
        let items = iterate(cx, term)?;
        if rows.len().saturating_mul(items.len()) > 1 << 22 {
            return Err(Fault::raw("the result is too large"));
        }
        rows = rows
            .iter()
            .flat_map(|row| items.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()))
            .collect();
    }
    // Items that are lists themselves are spread into the row.
    rows.into_iter().map(|row| one_level(cx, &row).map(V::list)).collect()
}

fn together(cx: &Cx, terms: &[V], _: &Args, _: How) -> Res<Vec<V>> {
    if terms.is_empty() {
        return Err(Fault::raw("with_together requires at least one element in each list"));
    }
    let lists: Vec<Vec<V>> = terms.iter().map(|t| iterate(cx, t)).collect::<Res<_>>()?;
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .map(|i| {
            let row: Vec<V> = lists.iter().map(|l| l.get(i).cloned().unwrap_or(V::None)).collect();
            one_level(cx, &row).map(V::list)
        })
        .collect()
}
