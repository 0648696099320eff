//! Lookups of variables: vars, varnames.

use super::{How, LOOKUP, Lookup};
use crate::template::filters::{optional, regex_matches};
use crate::template::runtime::{Args, Cx, Fault, Res, V, text};
use std::sync::Arc;

pub const LOOKUPS: &[Lookup] = &[
    Lookup {
        name: "vars",
        summary: "Variables by name.",
        params: &[optional("default", "any", "None")],
        takes_undefined: true,
        example: ("lookup('vars', 'nothing', default='x')", "'x'"),
        run: vars,
        ..LOOKUP
    },
    Lookup {
        name: "varnames",
        summary: "Names of variables that patterns match.",
        example: ("query('varnames', '^nothing$')", "[]"),
        run: varnames,
        ..LOOKUP
    },
];

fn vars(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let mut out = vec![];
    for term in terms {
        let name: Arc<str> = match term {
            V::Str(t) => t.shared().clone(),
            V::Undef(f) => return Err(f.clone()),
            other => {
                return Err(Fault::raw(format!("Variable name must be 'str' not '{}'.", other.type_name())));
            }
        };
        let found = cx.scope.get(cx, &name);
        out.push(match (found, args.given("default")) {
            (Some(v), _) => v.trip()?,
            (None, Some(default)) => default.clone(),
            (None, None) => {
                return Err(Fault::undefined(
                    format!("No variable named {} was found.", crate::value::repr_str(&name)),
                    Some(name),
                ));
            }
        });
    }
    Ok(out)
}

fn varnames(cx: &Cx, terms: &[V], _: &Args, _: How) -> Res<Vec<V>> {
    let names = cx.scope.vars.names();
    let mut out = vec![];
    for term in terms {
        let V::Str(_) = term else {
            return Err(Fault::raw(format!(
                "Invalid setting identifier, \"{}\" is not a string, it is a {}",
                text(cx, term)?,
                term.type_name()
            )));
        };
        let unusable = |fault: Arc<Fault>| {
            let pattern = term.as_str().unwrap_or_default();
            Fault::raw(format!("Unable to use \"{pattern}\" as a search parameter: {}", fault.message))
        };
        for name in &names {
            if regex_matches(cx, name, term, false, false, "search").map_err(unusable)? {
                out.push(V::str(name.clone()));
            }
        }
    }
    Ok(out)
}
