//! The `comment` filter: text as a comment of some language.

use super::{FILTER, Filter, optional};
use crate::template::runtime::{Args, Cx, Fault, Res, V};

pub const FILTERS: &[Filter] = &[Filter {
    name: "comment",
    summary: "Text as a comment.",
    params: &[
        optional("style", "plain, c, cblock, erlang or xml", "'plain'"),
        optional("newline", "str", "'\\n'"),
        optional("beginning", "str", "of the style"),
        optional("prefix", "str", "of the style"),
        optional("prefix_count", "int", "1"),
        optional("decoration", "str", "of the style"),
        optional("postfix", "str", "of the style"),
        optional("postfix_count", "int", "1"),
        optional("end", "str", "of the style"),
    ],
    example: ("'a\\nb' | comment", "'#\\n# a\\n# b\\n#'"),
    run: comment,
    ..FILTER
}];

fn comment(cx: &Cx, v: V, args: Args) -> Res {
    let style = args.text_or(cx, "style", "plain")?;
    let (beginning, decoration, end) = match style.as_str() {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        _ => return Err(Fault::raw(format!("Invalid style '{style}'."))),
    };
    let Some(text) = v.as_str() else {
        return Err(Fault::raw(format!("'{}' object has no attribute 'replace'", v.type_name())));
    };
    let newline = args.text_or(cx, "newline", "\n")?;
    let decoration = args.text_or(cx, "decoration", decoration)?;
    let bare = decoration.trim_end();
    let beginning = args.text_or(cx, "beginning", beginning)?;
    let prefix = args.text_or(cx, "prefix", bare)?;
    let postfix = args.text_or(cx, "postfix", bare)?;
    let end = args.text_or(cx, "end", end)?;
    let count = |name: &str| -> Res<usize> { Ok(usize::try_from(args.int(name, 1)?).unwrap_or(0).min(10_000)) };
    let mut out = String::new();
    if !beginning.is_empty() {
        out += &format!("{beginning}{newline}");
    }
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out += &line.repeat(count("prefix_count")?);
    }
    let body = format!("{decoration}{}", text.replace(&newline, &format!("{newline}{decoration}")));
    out += &body.replace(&format!("{decoration}{newline}"), &format!("{bare}{newline}"));
    for _ in 0..count("postfix_count")? {
        out += &format!("{newline}{postfix}");
    }
    if !end.is_empty() {
        out += &format!("{newline}{end}");
    }
    Ok(V::str(out))
}
