//! YAML.

use super::{FILTER, Filter, optional};
use crate::template::runtime::{Args, Cx, Fault, Param, Res, V, finish, truth};
use crate::value::Trust;
use crate::yaml::{DumpOptions, dump_strict, parse_value, parse_values};

const OPTIONS: &[Param] = &[
    optional("indent", "int", "2"),
    optional("width", "int", "80"),
    optional("sort_keys", "bool", "True"),
    optional("default_flow_style", "bool", "None"),
    optional("default_style", "str", "None"),
    optional("explicit_start", "bool", "False"),
    optional("explicit_end", "bool", "False"),
    optional("allow_unicode", "bool", "True"),
    optional("canonical", "bool", "False"),
];

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "to_yaml",
        summary: "The value as YAML, inner collections in flow style.",
        params: OPTIONS,
        named: true,
        example: ("{'a': [1, 2]} | to_yaml", "'a: [1, 2]\\n'"),
        run: |cx, v, args| yaml(cx, &v, &args, DumpOptions::default()),
        ..FILTER
    },
    Filter {
        name: "to_nice_yaml",
        summary: "The value as YAML on several lines.",
        params: OPTIONS,
        named: true,
        example: ("{'a': [1, 2]} | to_nice_yaml(indent=2)", "'a:\\n- 1\\n- 2\\n'"),
        run: |cx, v, args| yaml(cx, &v, &args, DumpOptions::nice()),
        ..FILTER
    },
    Filter {
        name: "from_yaml",
        summary: "A YAML text as a value.",
        example: ("'a: [1, yes]' | from_yaml", "{'a': [1, True]}"),
        run: |cx, v, _| match &v {
            V::Str(t) => parse_value(t, Trust::Foreign).map(|value| cx.scope.lift(cx, &value)).map_err(Fault::raw),
            _ => Ok(v),
        },
        ..FILTER
    },
    Filter {
        name: "from_yaml_all",
        summary: "The documents of a YAML text.",
        example: ("'a: 1\\n---\\nb: 2\\n' | from_yaml_all", "[{'a': 1}, {'b': 2}]"),
        run: |cx, v, _| match &v {
            V::None => Ok(V::list(vec![])),
            V::Str(t) => {
                let all = parse_values(t, Trust::Foreign).map_err(Fault::raw)?;
                Ok(V::list(all.iter().map(|value| cx.scope.lift(cx, value)).collect()))
            }
            _ => Ok(v),
        },
        ..FILTER
    },
];

fn yaml(cx: &Cx, v: &V, args: &Args, mut options: DumpOptions) -> Res {
    if let Some((name, _)) = args.named.first() {
        return Err(Fault::raw(format!("the option '{name}' of YAML is not supported")));
    }
    options.indent = args.int("indent", options.indent)?;
    options.width = match args.get("width") {
        Some(V::Float(f)) if f.is_infinite() => -1,
        _ => args.int("width", options.width)?,
    };
    options.sort_keys = args.flag("sort_keys", options.sort_keys)?;
    if let Some(flow) = args.given("default_flow_style") {
        options.default_flow_style = if matches!(flow, V::None) { None } else { Some(truth(flow)?) };
    }
    if let Some(style) = args.text(cx, "default_style")? {
        options.default_style = style.chars().next();
    }
    options.explicit_start = args.flag("explicit_start", false)?;
    options.explicit_end = args.flag("explicit_end", false)?;
    options.allow_unicode = args.flag("allow_unicode", true)?;
    options.canonical = args.flag("canonical", false)?;
    let value = finish(cx, v)?;
    dump_strict(&value, &options).map(V::str).map_err(Fault::raw)
}
