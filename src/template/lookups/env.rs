//! Lookups of the controller's surroundings: env, config, inventory_hostnames.

use super::{How, LOOKUP, Lookup};
use crate::template::filters::optional;
use crate::template::runtime::{Args, Cx, Fault, NO_HINT, Res, V, text};
use crate::value::{Text, Trust};

pub const LOOKUPS: &[Lookup] = &[
    Lookup {
        name: "env",
        summary: "Variables of the controller's environment.",
        params: &[optional("default", "any", "''")],
        takes_undefined: true,
        example: ("lookup('env', 'NOT_SET_ANYWHERE', default='x')", "'x'"),
        run: env,
        ..LOOKUP
    },
    Lookup {
        name: "config",
        summary: "Settings by name.",
        params: &[
            optional("on_missing", "error, skip or warn", "'error'"),
            optional("plugin_type", "str", "None"),
            optional("plugin_name", "str", "None"),
            optional("show_origin", "bool", "False"),
        ],
        example: ("query('config', 'NOT_A_SETTING', on_missing='skip')", "[]"),
        run: config,
        ..LOOKUP
    },
    Lookup {
        name: "inventory_hostnames",
        summary: "Hosts that patterns select.",
        example: ("query('inventory_hostnames', 'all', errors='ignore')", "[]"),
        run: |cx, terms, _, _| {
            let pattern: Res<Vec<String>> = terms.iter().map(|t| text(cx, t)).collect();
            let found = cx.engine.outside.hosts(&pattern?.join(",")).map_err(Fault::raw)?;
            Ok(found.into_iter().map(V::str).collect())
        },
        ..LOOKUP
    },
];

fn env(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let mut out = vec![];
    for term in terms {
        term.check()?;
        let words = text(cx, term)?;
        let name = words.split_whitespace().next().unwrap_or("").to_owned();
        out.push(match (cx.engine.outside.env(&name), args.given("default")) {
            (Some(value), _) => {
                let from = format!("<environment variable {}>", crate::value::repr_str(&name));
                let span = crate::diag::Span::new(cx.engine.sources.described(&from), 0, 0);
                V::Str(Text::new(value, Trust::Foreign, Some(span)))
            }
            (None, Some(V::Undef(fault))) if fault.name.is_none() && fault.message == NO_HINT => {
                V::Undef(Fault::undefined(
                    format!("The environment variable {} is not set.", crate::value::repr_str(&name)),
                    None,
                ))
            }
            (None, Some(default)) => default.clone(),
            (None, None) => V::str(""),
        });
    }
    Ok(out)
}

fn config(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let missing = args.text_or(cx, "on_missing", "error")?;
    let plugin = match (args.get("plugin_type"), args.get("plugin_name")) {
        (None, None) => None,
        (Some(kind), Some(name)) => Some((text(cx, kind)?, text(cx, name)?)),
        _ => {
            return Err(Fault::raw("Both plugin_type and plugin_name are required, cannot use one without the other."));
        }
    };
    let mut out = vec![];
    for term in terms {
        let name = text(cx, term)?;
        // Settings of plugins stand in the table under the plugin's short name.
        let key = plugin.as_ref().map(|(_, plugin)| format!("{}.{name}", plugin.rsplit('.').next().unwrap_or(plugin)));
        match cx.engine.outside.setting(key.as_deref().unwrap_or(&name)) {
            Some(value) => out.push(cx.scope.lift(cx, &value.distrust())),
            None => match missing.as_str() {
                "skip" => {}
                "warn" => cx.engine.outside.warn(&format!("Unable to find setting {name}")),
                _ => return Err(Fault::raw(format!("Unable to find setting {}", crate::value::repr_str(&name)))),
            },
        }
    }
    Ok(out)
}
