//! Tests on the results of tasks.

use super::{TEST, Test};
use crate::template::runtime::{Cx, Dict, Fault, Res, V, truth};
use std::sync::Arc;

pub const TESTS: &[Test] = &[
    Test {
        name: "failed",
        aliases: &["failure"],
        summary: "The task failed.",
        example: "{'failed': true} is failed",
        run: |cx, v, _| flag(cx, v, "failed", "failed"),
        ..TEST
    },
    Test {
        name: "succeeded",
        aliases: &["success", "successful"],
        summary: "The task did not fail.",
        example: "{'rc': 0} is succeeded",
        run: |cx, v, _| flag(cx, v, "failed", "failed").map(|f| !f),
        ..TEST
    },
    Test {
        name: "changed",
        aliases: &["change"],
        summary: "The task, or one of its items, changed something.",
        example: "{'changed': true} is changed",
        run: changed,
        ..TEST
    },
    Test {
        name: "skipped",
        aliases: &["skip"],
        summary: "The task was skipped.",
        example: "{'skipped': true} is skipped",
        run: |cx, v, _| flag(cx, v, "skipped", "skipped"),
        ..TEST
    },
    Test {
        name: "unreachable",
        summary: "The host could not be reached.",
        example: "{'unreachable': true} is unreachable",
        run: |cx, v, _| flag(cx, v, "unreachable", "unreachable"),
        ..TEST
    },
    Test {
        name: "reachable",
        summary: "The host could be reached.",
        example: "{} is reachable",
        run: |cx, v, _| flag(cx, v, "unreachable", "unreachable").map(|u| !u),
        ..TEST
    },
    Test {
        name: "timedout",
        summary: "The task ran out of time.",
        example: "{'timedout': {'period': 5}} is timedout",
        run: |cx, v, _| match dict(v, "timedout")?.get_str(cx, "timedout") {
            Some(V::Dict(d)) => d.get_str(cx, "period").map_or(Ok(false), |p| truth(&p)),
            Some(other) if truth(&other)? => {
                Err(Fault::raw(format!("'{}' object has no attribute 'get'", other.type_name())))
            }
            _ => Ok(false),
        },
        ..TEST
    },
    Test {
        name: "started",
        summary: "The task in the background has started.",
        example: "{'started': 1} is started",
        run: |cx, v, _| background(cx, v, "started"),
        ..TEST
    },
    Test {
        name: "finished",
        summary: "The task in the background has finished.",
        example: "{'finished': 1} is finished",
        run: |cx, v, _| background(cx, v, "finished"),
        ..TEST
    },
];

fn dict<'a>(v: &'a V, test: &str) -> Res<&'a Arc<Dict>> {
    match v {
        V::Dict(d) => Ok(d),
        _ => Err(Fault::raw(format!("The '{test}' test expects a dictionary"))),
    }
}

fn flag(cx: &Cx, v: &V, test: &str, key: &str) -> Res<bool> {
    dict(v, test)?.get_str(cx, key).map_or(Ok(false), |v| truth(&v))
}

fn changed(cx: &Cx, v: &V, _: &crate::template::runtime::Args) -> Res<bool> {
    let result = dict(v, "changed")?;
    if let Some(changed) = result.get_str(cx, "changed") {
        return truth(&changed);
    }
    if let Some(V::List(items)) = result.get_str(cx, "results") {
        match items.get(cx, 0) {
            None => return Err(Fault::raw("list index out of range")),
            Some(V::Dict(_)) => {}
            Some(_) => return Ok(false),
        }
        for item in items.items(cx) {
            if let V::Dict(d) = &item
                && d.get_str(cx, "changed").map_or(Ok(false), |v| truth(&v))?
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn background(cx: &Cx, v: &V, key: &str) -> Res<bool> {
    match dict(v, key)?.get_str(cx, key) {
        Some(v) => truth(&v),
        None => {
            cx.engine.outside.warn(&format!("The '{key}' test expects an async task, but a non-async task was tested"));
            Ok(true)
        }
    }
}
