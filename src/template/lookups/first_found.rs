//! The first_found lookup: the first of many names that is a file.

use super::{How, LOOKUP, Lookup, search};
use crate::template::ErrorKind;
use crate::template::filters::optional;
use crate::template::runtime::{Args, Cx, Fault, Res, V, iterate, truth};

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "first_found",
    summary: "The path of the first file that is there.",
    params: &[optional("files", "list", "[]"), optional("paths", "list", "[]"), optional("skip", "bool", "False")],
    takes_undefined: true,
    example: ("query('first_found', ['/nothing'], skip=true)", "[]"),
    run: first_found,
    ..LOOKUP
}];

struct Plan {
    names: Vec<String>,
    skip: bool,
}

fn first_found(cx: &Cx, terms: &[V], args: &Args, how: How) -> Res<Vec<V>> {
    let kept: Vec<V> = terms.iter().filter(|v| !omitted(v, how)).cloned().collect();
    let files = args.value("files");
    let paths = args.value("paths");
    let mut plan = Plan { names: vec![], skip: args.flag("skip", false)? };
    if kept.is_empty() {
        collect(cx, &as_list(cx, &files)?, &paths, &mut plan, how)?;
    } else {
        collect(cx, &kept, &paths, &mut plan, how)?;
    }
    let kind = match how {
        How::Function => None,
        How::Loop => {
            let action = cx.context.action.as_deref().unwrap_or("");
            Some(
                ["template", "var"]
                    .into_iter()
                    .find(|k| action.contains(k))
                    .map_or("files", |k| if k == "var" { "vars" } else { "templates" }),
            )
        }
    };
    for name in &plan.names {
        if let Some(path) = search::find(cx, kind, name) {
            return Ok(vec![V::str(path.to_string_lossy().into_owned())]);
        }
    }
    if plan.skip {
        return Ok(vec![]);
    }
    let mut tried = vec![];
    for name in plan.names.iter().take(5) {
        tried.extend(search::candidates(cx, kind, name).first().map(|p| p.display().to_string()));
    }
    let list = if tried.is_empty() { String::new() } else { format!(" Tried {}.", tried.join(", ")) };
    Err(Fault::raw(format!("No file was found when using first_found.{list}")))
}

/// In loops, undefined names count as not given.
fn omitted(v: &V, how: How) -> bool {
    how == How::Loop && matches!(v, V::Undef(f) if f.kind == ErrorKind::Undefined)
}

fn as_list(cx: &Cx, v: &V) -> Res<Vec<V>> {
    match v {
        V::None => Ok(vec![]),
        V::List(_) | V::Tuple(_) => iterate(cx, v),
        one => Ok(vec![one.clone()]),
    }
}

fn collect(cx: &Cx, terms: &[V], paths: &V, plan: &mut Plan, how: How) -> Res<()> {
    for term in terms {
        if omitted(term, how) {
            continue;
        }
        match term {
            V::Undef(fault) => return Err(fault.clone()),
            V::Dict(dict) => {
                let get = |name: &str| dict.get_str(cx, name).filter(|v| !omitted(v, how));
                let files = get("files").unwrap_or(V::None);
                let paths = get("paths").unwrap_or(V::None);
                if let Some(skip) = get("skip") {
                    plan.skip = truth(&skip)?;
                }
                join(cx, &as_list(cx, &files)?, &paths, plan, how)?;
            }
            V::Str(_) => join(cx, std::slice::from_ref(term), paths, plan, how)?,
            V::List(_) | V::Tuple(_) => collect(cx, &iterate(cx, term)?, paths, plan, how)?,
            other => {
                return Err(Fault::raw(format!(
                    "Invalid term supplied. A string, dict or list is required, not '{}').",
                    other.type_name()
                )));
            }
        }
    }
    Ok(())
}

/// Every name in every path; both may hold several, separated.
fn join(cx: &Cx, files: &[V], paths: &V, plan: &mut Plan, how: How) -> Res<()> {
    let split = |values: &[V], by: &[char]| -> Res<Vec<String>> {
        let mut out = vec![];
        for value in values.iter().filter(|v| !omitted(v, how)) {
            let text = crate::template::runtime::text(cx, value)?;
            out.extend(text.split(by).map(str::to_owned));
        }
        Ok(out)
    };
    let names = split(files, &[',', ';'])?;
    let paths = split(&as_list(cx, paths)?, &[',', ':', ';'])?;
    if paths.is_empty() {
        plan.names.extend(names);
        return Ok(());
    }
    for path in &paths {
        for name in &names {
            let whole = if name.starts_with('/') || path.is_empty() {
                name.clone()
            } else {
                format!("{}/{name}", path.trim_end_matches('/'))
            };
            plan.names.push(whole);
        }
    }
    Ok(())
}
