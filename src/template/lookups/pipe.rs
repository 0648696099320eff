//! Lookups that run commands on the controller: pipe, lines.

use super::{How, LOOKUP, Lookup};
use crate::template::runtime::{Args, Cx, Fault, Res, V, split_lines, text};

pub const LOOKUPS: &[Lookup] = &[
    Lookup {
        name: "pipe",
        acts: true,
        summary: "The output of shell commands.",
        example: ("query('pipe', 'true', errors='ignore')", "[]"),
        run: |cx, terms, _, _| {
            terms.iter().map(|t| output(cx, t, "lookup_plugin.pipe").map(|o| V::str(o.trim_end()))).collect()
        },
        ..LOOKUP
    },
    Lookup {
        name: "lines",
        acts: true,
        summary: "The lines of the output of shell commands.",
        example: ("query('lines', 'true', errors='ignore')", "[]"),
        run: lines,
        ..LOOKUP
    },
];

fn output(cx: &Cx, term: &V, what: &str) -> Res<String> {
    let command = text(cx, term)?;
    let out = cx.engine.outside.pipe(&command, &cx.context.playbook_dir).map_err(Fault::raw)?;
    if out.code != 0 {
        return Err(Fault::raw(format!("{what}({command}) returned {}", out.code)));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

fn lines(cx: &Cx, terms: &[V], _: &Args, _: How) -> Res<Vec<V>> {
    let mut out = vec![];
    for term in terms {
        let text = output(cx, term, "lookup_plugin.lines")?;
        out.extend(split_lines(&text, false).into_iter().map(V::str));
    }
    Ok(out)
}
