//! What ansible-core calls protomatter: filters that show the marks that a value carries.

use super::{FILTER, Filter, PROTOMATTER};
use crate::template::runtime::{Cx, V, finish};
use crate::value::Trust;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "finalize",
        collection: PROTOMATTER,
        summary: "The value with all templates in it rendered.",
        example: ("[1] | ansible._protomatter.finalize", "[1]"),
        run: |cx, v, _| Ok(cx.scope.lift(cx, &finish(cx, &v)?)),
        ..FILTER
    },
    Filter {
        name: "origin",
        collection: PROTOMATTER,
        summary: "Where a text stands: path, line and column, or what it was read from.",
        example: ("'a' | ansible._protomatter.origin", "None"),
        run: |cx, v, _| Ok(origin(cx, &v).map_or(V::None, V::str)),
        ..FILTER
    },
    Filter {
        name: "tag_names",
        collection: PROTOMATTER,
        summary: "Names of the marks of a value.",
        example: ("'a' | ansible._protomatter.tag_names", "[]"),
        run: |_, v, _| Ok(V::list(MARKS.iter().filter(|m| carries(&v, m) == Some(true)).map(|m| V::str(*m)).collect())),
        ..FILTER
    },
];

const MARKS: [&str; 3] = ["Origin", "TrustedAsTemplate", "VaultedValue"];

/// Whether a value carries a mark; `None` for one that is not known.
pub fn carries(v: &V, mark: &str) -> Option<bool> {
    let text = match v {
        V::Str(text) => Some(text),
        _ => None,
    };
    match mark {
        "Origin" => Some(text.is_some_and(|t| t.origin().is_some())),
        "TrustedAsTemplate" => Some(text.is_some_and(|t| t.trust() == Trust::Author)),
        "VaultedValue" => Some(v.is_secret()),
        "Deprecated" => Some(false),
        _ => None,
    }
}

fn origin(cx: &Cx, v: &V) -> Option<String> {
    let V::Str(text) = v else { return None };
    let place = cx.engine.sources.location(text.origin()?)?;
    let path = place.path.to_string_lossy();
    Some(if path.starts_with('<') { path.into_owned() } else { place.to_string() })
}
