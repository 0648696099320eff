//! JSON as Python's `json` reads and writes it.

use super::json_reader::Refused;
use super::{FILTER, Filter, as_text, optional};
use crate::template::runtime::{Args, Cx, Fault, Res, Time, V, sort};
use crate::value::float_repr;
use std::sync::Arc;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "to_json",
        summary: "The value as JSON. Options are those of Python's json.dumps: indent, sort_keys, ensure_ascii, separators.",
        params: JSON,
        named: true,
        example: ("{'a': [1, none]} | to_json", "'{\"a\": [1, null]}'"),
        run: |cx, v, args| to_json(cx, &v, &style(cx, &args, JsonStyle::default())?).map(V::str),
        ..FILTER
    },
    Filter {
        name: "to_nice_json",
        summary: "The value as JSON on several lines, keys sorted.",
        params: JSON,
        named: true,
        example: ("{'b': 1, 'a': 2} | to_nice_json(indent=1)", "'{\\n \"a\": 2,\\n \"b\": 1\\n}'"),
        run: |cx, v, args| {
            let nice = JsonStyle { indent: Some("    ".to_owned()), sort_keys: true, ..JsonStyle::default() };
            let mut style = style(cx, &args, nice)?;
            style.separators = Some((",".to_owned(), ": ".to_owned()));
            to_json(cx, &v, &style).map(V::str)
        },
        ..FILTER
    },
    Filter {
        name: "tojson",
        summary: "The value as JSON that may stand in HTML.",
        params: &[optional("indent", "int", "None")],
        example: ("'<a>' | tojson", "'\"\\\\u003ca\\\\u003e\"'"),
        run: |cx, v, args| {
            let style = style(cx, &args, JsonStyle { sort_keys: true, ..JsonStyle::default() })?;
            let text = to_json(cx, &v, &style)?;
            let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
            Ok(V::str(text.replace('\'', "\\u0027")))
        },
        ..FILTER
    },
    Filter {
        name: "from_json",
        summary: "A JSON text as a value.",
        named: true,
        example: ("'{\"a\": [1, 2.5]}' | from_json", "{'a': [1, 2.5]}"),
        run: |cx, v, _| {
            let text = match &v {
                V::Str(t) => t.to_string(),
                V::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
                other => {
                    return Err(Fault::raw(format!(
                        "the JSON object must be str, bytes or bytearray, not {}",
                        other.type_name()
                    )));
                }
            };
            parse_strict(cx, &text)
        },
        ..FILTER
    },
];

const JSON: &[crate::template::runtime::Param] = &[
    optional("indent", "int or str", "None"),
    optional("sort_keys", "bool", "False"),
    optional("ensure_ascii", "bool", "True"),
    optional("separators", "list", "None"),
];

/// How JSON is laid out.
#[derive(Clone, Debug)]
pub struct JsonStyle {
    pub indent: Option<String>,
    pub sort_keys: bool,
    pub ascii: bool,
    pub separators: Option<(String, String)>,
}

impl Default for JsonStyle {
    fn default() -> Self {
        JsonStyle { indent: None, sort_keys: false, ascii: true, separators: None }
    }
}

fn style(cx: &Cx, args: &Args, mut style: JsonStyle) -> Res<JsonStyle> {
    match args.given_if("indent") {
        None => {}
        Some(V::None) => style.indent = None,
        Some(V::Int(n)) => style.indent = Some(" ".repeat(usize::try_from(*n).unwrap_or(0).min(1000))),
        Some(other) => style.indent = Some(as_text(cx, other)?),
    }
    if args.given_if("sort_keys").is_some() {
        style.sort_keys = args.flag("sort_keys", false)?;
    }
    if args.given_if("ensure_ascii").is_some() {
        style.ascii = args.flag("ensure_ascii", true)?;
    }
    if let Some(two @ (V::List(_) | V::Tuple(_))) = args.given_if("separators") {
        let two = crate::template::runtime::iterate(cx, two)?;
        let [a, b] = &two[..] else { return Err(Fault::raw("too many values to unpack (expected 2)")) };
        style.separators = Some((as_text(cx, a)?, as_text(cx, b)?));
    }
    Ok(style)
}

pub fn to_json(cx: &Cx, v: &V, style: &JsonStyle) -> Res<String> {
    let comma = if style.indent.is_some() { "," } else { ", " };
    let style = JsonStyle {
        separators: style.separators.clone().or_else(|| Some((comma.to_owned(), ": ".to_owned()))),
        ..style.clone()
    };
    let mut out = String::new();
    write(cx, v, &style, 0, &mut out)?;
    Ok(out)
}

fn write(cx: &Cx, v: &V, style: &JsonStyle, depth: usize, out: &mut String) -> Res<()> {
    if depth > 200 {
        return Err(Fault::raw("Circular reference detected"));
    }
    match v {
        V::Undef(f) => return Err(f.clone()),
        V::None => out.push_str("null"),
        V::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        V::Int(i) => out.push_str(&i.to_string()),
        V::Big(i) => out.push_str(&i.to_string()),
        V::Float(f) => out.push_str(&float(*f)),
        V::Str(t) => quote(t, style.ascii, out),
        V::List(l) => sequence(cx, &l.items(cx), style, depth, out)?,
        V::Tuple(t) => sequence(cx, t, style, depth, out)?,
        V::Dict(d) => {
            let mut items = d.items(cx);
            if style.sort_keys {
                let mut keyed: Vec<(V, V)> = items
                    .iter()
                    .enumerate()
                    .map(|(i, (k, _))| (crate::template::runtime::key_value(k), V::from(i)))
                    .collect();
                sort(cx, &mut keyed, false)?;
                items = keyed
                    .iter()
                    .filter_map(|(_, i)| if let V::Int(i) = i { items.get(*i as usize).cloned() } else { None })
                    .collect();
            }
            if items.is_empty() {
                out.push_str("{}");
                return Ok(());
            }
            out.push('{');
            let (comma, colon) = style.separators.clone().unwrap_or_default();
            for (i, (key, value)) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(&comma);
                }
                line(style, depth + 1, out);
                quote(&key.to_json_key(), style.ascii, out);
                out.push_str(&colon);
                write(cx, value, style, depth + 1, out)?;
            }
            line(style, depth, out);
            out.push('}');
        }
        V::Obj(o) => {
            if let Some(time) = v.object::<Time>() {
                quote(&time.iso(), style.ascii, out);
                return Ok(());
            }
            match o.items() {
                Some(items) => sequence(cx, &items, style, depth, out)?,
                None => return Err(not_serializable(v)),
            }
        }
        V::Bytes(_) | V::Omit => return Err(not_serializable(v)),
    }
    Ok(())
}

fn not_serializable(v: &V) -> std::sync::Arc<Fault> {
    Fault::raw(format!("Object of type {} is not JSON serializable", v.type_name()))
}

fn sequence(cx: &Cx, items: &[V], style: &JsonStyle, depth: usize, out: &mut String) -> Res<()> {
    if items.is_empty() {
        out.push_str("[]");
        return Ok(());
    }
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(style.separators.as_ref().map_or(", ", |s| &s.0));
        }
        line(style, depth + 1, out);
        write(cx, item, style, depth + 1, out)?;
    }
    line(style, depth, out);
    out.push(']');
    Ok(())
}

fn line(style: &JsonStyle, depth: usize, out: &mut String) {
    if let Some(unit) = &style.indent {
        out.push('\n');
        for _ in 0..depth {
            out.push_str(unit);
        }
    }
}

fn float(f: f64) -> String {
    if f.is_nan() {
        "NaN".to_owned()
    } else if f.is_infinite() {
        if f > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        float_repr(f)
    }
}

fn quote(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c if ascii && !c.is_ascii() => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Reads JSON; `NaN` and `Infinity` as Python does.
pub fn parse(text: &str) -> Res {
    super::json_reader::parse(text, false).map_err(fault)
}

/// As [`parse`]; text that UTF-8 cannot hold is refused unless the setting allows it.
fn parse_strict(cx: &Cx, text: &str) -> Res {
    let setting = cx.engine.outside.setting("MODULE_STRICT_UTF8_RESPONSE");
    let strict = setting.is_none_or(|value| value.truthy());
    super::json_reader::parse(text, strict).map_err(fault)
}

fn fault(refused: Refused) -> Arc<Fault> {
    let (Refused::Syntax(message) | Refused::Half(message)) = &refused;
    let mut fault = Fault::raw(message.as_str());
    if let Refused::Half(_) = refused {
        Arc::make_mut(&mut fault).help =
            Some("This check can be disabled with the `MODULE_STRICT_UTF8_RESPONSE` setting.");
    }
    fault
}
