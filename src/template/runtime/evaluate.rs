//! Expressions → values.

use super::methods::{self, Bound};
use super::operators::{binary, iterate, negate, truth};
use super::{Call, Cx, Fault, Res, V, compare, contains, equal, text};
use crate::template::ErrorKind;
use crate::template::syntax::{BinOp, CallArgs, CmpOp, Expr, ExprKind};
use crate::template::{filters, lookups, tests};
use crate::value::Text;
use std::cmp::Ordering;
use std::sync::Arc;

/// Evaluates an expression. Undefined and failed values come back as [`V::Undef`]; errors that end the template as `Err`.
pub fn eval(cx: &Cx, expr: &Expr) -> Res {
    let out = eval_kind(cx, expr);
    match out {
        Err(fault) => Err(fault.at(expr.start, expr.end)),
        Ok(V::Undef(fault)) => Ok(V::Undef(fault.at(expr.start, expr.end))),
        out => out,
    }
}

fn eval_kind(cx: &Cx, expr: &Expr) -> Res {
    match &expr.kind {
        ExprKind::Const(v) => Ok(v.clone()),
        ExprKind::Name(name) => Ok(name_value(cx, name)),
        ExprKind::ConstTemplate(text) => {
            if cx.run.conditional.get() {
                return Ok(render_constant(cx, text));
            }
            Ok(V::str(text.clone()))
        }
        ExprKind::Attr(of, name) => {
            let of = eval(cx, of)?;
            attribute(cx, &of, name)
        }
        ExprKind::Item(both) => {
            let (of, key) = (eval(cx, &both.0)?, eval(cx, &both.1)?);
            item(cx, &of, &key)
        }
        ExprKind::Compare(first, rest) => compare_chain(cx, first, rest).map(V::Bool),
        ExprKind::And(both) => {
            let left = eval(cx, &both.0)?;
            if truth(&left)? { eval(cx, &both.1) } else { Ok(left) }
        }
        ExprKind::Or(both) => {
            let left = eval(cx, &both.0)?;
            if truth(&left)? { Ok(left) } else { eval(cx, &both.1) }
        }
        ExprKind::Not(inner) => Ok(V::Bool(!truth(&eval(cx, inner)?)?)),
        ExprKind::If(parts) => {
            if truth(&eval(cx, &parts.0)?)? {
                return eval(cx, &parts.1);
            }
            match &parts.2 {
                Some(otherwise) => eval(cx, otherwise),
                None => Ok(V::Obj(Arc::new(super::globals::NoElse))),
            }
        }
        ExprKind::Filter(Some(value), name, args) => {
            let value = eval(cx, value)?;
            filter(cx, value, name, args)
        }
        ExprKind::Filter(None, ..) => Err(Fault::raw("a filter needs a value")),
        ExprKind::Test(value, name, args) => {
            let value = eval(cx, value)?;
            let args = arguments(cx, args, value)?;
            Ok(call_test(cx, name, args))
        }
        ExprKind::Call(callee, args) => call(cx, callee, args),
        ExprKind::Binary(..) => spine(cx, expr),
        ExprKind::Concat(parts) => {
            let mut out = String::new();
            let mut secret = false;
            for part in parts {
                let v = eval(cx, part)?;
                secret |= v.is_secret();
                match &v {
                    V::Str(t) => out.push_str(t),
                    other => out.push_str(&text(cx, other)?),
                }
            }
            let text = Text::foreign(out);
            Ok(V::Str(if secret { text.secret() } else { text }))
        }
        ExprKind::List(items) => items.iter().map(|e| eval(cx, e)).collect::<Res<Vec<V>>>().map(V::list),
        ExprKind::Tuple(items) => items.iter().map(|e| eval(cx, e)).collect::<Res<Vec<V>>>().map(V::tuple),
        ExprKind::Dict(items) => {
            let mut map = indexmap::IndexMap::with_capacity(items.len());
            for (key, value) in items {
                let key = compare_key(&eval(cx, key)?)?;
                // The first of `1`, `1.0` and `true` stays the key.
                let key = super::value::alike(&key).filter(|k| map.contains_key(k)).unwrap_or(key);
                map.insert(key, eval(cx, value)?);
            }
            Ok(V::Dict(super::Dict::new(map)))
        }
        ExprKind::Neg(inner) => negate(&eval(cx, inner)?),
        ExprKind::Pos(inner) => match eval(cx, inner)?.trip()? {
            V::Bool(b) => Ok(V::Int(i64::from(b))),
            v @ (V::Int(_) | V::Big(_) | V::Float(_)) => Ok(v),
            other => Err(Fault::raw(format!("bad operand type for unary +: '{}'", other.type_name()))),
        },
        ExprKind::Slice(parts) => {
            let of = eval(cx, &parts.0)?;
            if of.is_undef() {
                return Ok(of);
            }
            let bound = |e: &Option<Expr>| e.as_ref().map(|e| eval(cx, e)).transpose();
            slice(cx, &of, bound(&parts.1)?, bound(&parts.2)?, bound(&parts.3)?)
        }
    }
}

fn compare_key(v: &V) -> Res<crate::value::Key> {
    super::compare::key_of(v)
}

/// `a + b + c …` without recursion along the left side.
fn spine(cx: &Cx, expr: &Expr) -> Res {
    let mut pending: Vec<(BinOp, &Expr, &Expr)> = vec![];
    let mut at = expr;
    while let ExprKind::Binary(op, both) = &at.kind {
        pending.push((*op, &both.1, at));
        at = &both.0;
    }
    let mut left = eval(cx, at)?;
    for (op, right, whole) in pending.into_iter().rev() {
        let right = eval(cx, right)?;
        left = binary(cx, op, &left, &right).map_err(|f| f.at(whole.start, whole.end))?;
    }
    Ok(left)
}

fn name_value(cx: &Cx, name: &Arc<str>) -> V {
    if let Some(frame) = cx.frame {
        if let Some(v) = frame.get(name) {
            return v;
        }
        if !frame.variables {
            return super::global(cx, name).unwrap_or_else(|| V::undefined(name));
        }
    }
    if let Some(v) = cx.scope.get(cx, name) {
        return v;
    }
    super::global(cx, name).unwrap_or_else(|| V::undefined(name))
}

/// Renders a constant of a conditional or of a lookup's term that has delimiters in it. It is the author's text.
fn render_constant(cx: &Cx, text: &Arc<str>) -> V {
    cx.engine.outside.warn(
        "Jinja constant strings should not contain embedded templates. This feature will be disabled by default in ansible-core 2.23.",
    );
    let conditional = cx.run.conditional.replace(false);
    let source = Text::new(text.clone(), crate::value::Trust::Author, None);
    let out = cx.scope.render(cx, &source, None);
    cx.run.conditional.set(conditional);
    out
}

fn compare_chain(cx: &Cx, first: &Expr, rest: &[(CmpOp, Expr)]) -> Res<bool> {
    let mut left = eval(cx, first)?;
    for (op, right) in rest {
        let right = eval(cx, right)?;
        if !holds(cx, *op, &left, &right)? {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

fn holds(cx: &Cx, op: CmpOp, a: &V, b: &V) -> Res<bool> {
    Ok(match op {
        CmpOp::Eq => equal(cx, a, b)?,
        CmpOp::Ne => !equal(cx, a, b)?,
        CmpOp::Lt => compare(cx, a, b, "<")? == Some(Ordering::Less),
        CmpOp::Gt => compare(cx, a, b, ">")? == Some(Ordering::Greater),
        CmpOp::Le => matches!(compare(cx, a, b, "<=")?, Some(Ordering::Less | Ordering::Equal)),
        CmpOp::Ge => matches!(compare(cx, a, b, ">=")?, Some(Ordering::Greater | Ordering::Equal)),
        CmpOp::In => contains(cx, b, a)?,
        CmpOp::NotIn => !contains(cx, b, a)?,
    })
}

/// `value.name`: attributes and methods first, then items.
pub fn attribute(cx: &Cx, of: &V, name: &Arc<str>) -> Res {
    if of.is_undef() {
        return Ok(of.clone());
    }
    if methods::exists(of, name) {
        return Ok(V::Obj(Arc::new(Bound { of: of.clone(), name: name.clone() })));
    }
    let found = match of {
        V::Dict(d) => d.get_str(cx, name),
        V::Obj(o) => match o.attr(cx, name)? {
            Some(v) => Some(v),
            None => o.item(cx, &V::str(name.clone()))?,
        },
        V::Int(_) | V::Float(_) | V::Bool(_) => methods::number_attribute(of, name),
        _ => None,
    };
    if found.is_none() && name.starts_with("__") {
        return Ok(V::Undef(Fault::undefined(
            format!("access to attribute '{name}' of '{}' object is unsafe.", of.type_name()),
            Some(name.clone()),
        )));
    }
    Ok(found.unwrap_or_else(|| of.missing(&V::str(name.clone()))))
}

/// `value[key]`: items first, then attributes.
pub fn item(cx: &Cx, of: &V, key: &V) -> Res {
    if of.is_undef() {
        return Ok(of.clone());
    }
    key.check()?;
    let found = match (of, key) {
        (V::Dict(d), V::Str(t)) => d.get_str(cx, t),
        (V::Dict(d), _) => compare_key(key).ok().and_then(|k| d.get(cx, &k)),
        (V::List(l), V::Int(_) | V::Bool(_)) => index(key, l.len()).and_then(|i| l.get(cx, i)),
        (V::Tuple(t), V::Int(_) | V::Bool(_)) => index(key, t.len()).and_then(|i| t.get(i).cloned()),
        (V::Str(t), V::Int(_) | V::Bool(_)) => {
            index(key, t.chars().count()).and_then(|i| t.chars().nth(i)).map(|c| V::str(c.to_string()))
        }
        (V::Obj(o), _) => o.item(cx, key)?,
        _ => None,
    };
    match (found, key) {
        (Some(v), _) => Ok(v),
        (None, V::Str(name)) if methods::exists(of, name) => {
            Ok(V::Obj(Arc::new(Bound { of: of.clone(), name: name.shared().clone() })))
        }
        (None, V::Str(name)) if matches!(of, V::Obj(_)) => attribute(cx, of, name.shared()),
        _ => Ok(of.missing(key)),
    }
}

/// An index as Python counts: from the end where negative.
fn index(key: &V, len: usize) -> Option<usize> {
    let i = match key {
        V::Int(i) => *i,
        V::Bool(b) => i64::from(*b),
        _ => return None,
    };
    usize::try_from(if i < 0 { i + len as i64 } else { i }).ok()
}

fn slice(cx: &Cx, of: &V, from: Option<V>, to: Option<V>, step: Option<V>) -> Res {
    let bound = |v: Option<V>| -> Res<Option<i64>> {
        match v {
            None | Some(V::None) => Ok(None),
            Some(V::Int(i)) => Ok(Some(i)),
            Some(V::Bool(b)) => Ok(Some(i64::from(b))),
            Some(V::Undef(f)) => Err(f),
            Some(_) => Err(Fault::raw("slice indices must be integers or None or have an __index__ method")),
        }
    };
    let (from, to, step) = (bound(from)?, bound(to)?, bound(step)?.unwrap_or(1));
    if step == 0 {
        return Err(Fault::raw("slice step cannot be zero"));
    }
    match of {
        V::Str(t) => {
            let chars: Vec<char> = t.chars().collect();
            let out: String = slice_indices(chars.len(), from, to, step).map(|i| chars[i]).collect();
            let text = Text::foreign(out);
            Ok(V::Str(if t.is_secret() { text.secret() } else { text }))
        }
        V::List(l) => {
            let items = l.items(cx);
            Ok(V::list(slice_indices(items.len(), from, to, step).map(|i| items[i].clone()).collect()))
        }
        V::Tuple(t) => Ok(V::tuple(slice_indices(t.len(), from, to, step).map(|i| t[i].clone()).collect())),
        V::Obj(_) if of.object::<super::Range>().is_some() => {
            let range = of.object::<super::Range>().map(|r| r.slice(from, to, step));
            Ok(range.map_or(V::None, |r| V::Obj(Arc::new(r))))
        }
        // Jinja looks the slice up as a key, which is never there.
        other => Ok(V::Undef(Fault::undefined(
            format!("object of type '{}' has no attribute slice({from:?}, {to:?}, {step})", other.type_name()),
            None,
        ))),
    }
}

/// The positions that `[from:to:step]` takes.
pub fn slice_indices(len: usize, from: Option<i64>, to: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let len = len as i64;
    let clamp = |i: i64, low: i64, high: i64| (if i < 0 { i + len } else { i }).clamp(low, high);
    let (start, end) = if step > 0 {
        (from.map_or(0, |i| clamp(i, 0, len)), to.map_or(len, |i| clamp(i, 0, len)))
    } else {
        (from.map_or(len - 1, |i| clamp(i, -1, len - 1)), to.map_or(-1, |i| clamp(i, -1, len - 1)))
    };
    let mut at = start;
    std::iter::from_fn(move || {
        let more = if step > 0 { at < end } else { at > end };
        let now = at;
        at = at.saturating_add(step);
        (more && now >= 0).then_some(now as usize)
    })
}

/// Arguments of a call, with a first one that is already known.
fn arguments(cx: &Cx, args: &CallArgs, first: V) -> Res<Call> {
    let mut call = Call { pos: Vec::with_capacity(args.pos.len() + 1), named: vec![] };
    call.pos.push(first);
    more_arguments(cx, args, &mut call, eval)?;
    Ok(call)
}

fn more_arguments(cx: &Cx, args: &CallArgs, call: &mut Call, positional: fn(&Cx, &Expr) -> Res) -> Res<()> {
    for expr in &args.pos {
        call.pos.push(positional(cx, expr)?);
    }
    for (name, expr) in &args.named {
        call.named.push((name.clone(), eval(cx, expr)?));
    }
    if let Some(star) = &args.star {
        call.pos.extend(iterate(cx, &eval(cx, star)?)?);
    }
    if let Some(star) = &args.star_star {
        match eval(cx, star)?.trip()? {
            V::Dict(d) => {
                for (key, value) in d.items(cx) {
                    let name = key.as_str().ok_or_else(|| Fault::raw("keywords must be strings"))?;
                    call.named.push((name.into(), value));
                }
            }
            other => {
                return Err(Fault::raw(format!("argument after ** must be a mapping, not {}", other.type_name())));
            }
        }
    }
    Ok(())
}

fn filter(cx: &Cx, value: V, name: &str, args: &CallArgs) -> Res {
    let args = arguments(cx, args, value)?;
    Ok(call_filter(cx, name, args))
}

/// A chain of filters over a block's text.
pub fn filter_block(cx: &Cx, chain: &Expr, value: V) -> Res {
    match &chain.kind {
        ExprKind::Filter(None, name, args) => filter(cx, value, name, args),
        ExprKind::Filter(Some(inner), name, args) => {
            let value = filter_block(cx, inner, value)?;
            filter(cx, value, name, args)
        }
        _ => Err(Fault::raw("not a filter")),
    }
}

/// Runs a filter; the first argument is the value. What fails comes back as [`V::Undef`].
pub fn call_filter(cx: &Cx, name: &str, call: Call) -> V {
    let Some(filter) = filters::find(name) else {
        return not_found("filter", name);
    };
    if !filter.takes_undefined
        && let Some(fault) = call.fault()
    {
        return V::Undef(fault.clone());
    }
    let secret = call.pos.first().is_some_and(V::is_secret);
    match filters::run(cx, filter, call) {
        Ok(V::Str(text)) if secret && !text.is_secret() => V::Str(text.secret()),
        Ok(v) => v,
        Err(fault) if fault.raw => {
            V::Undef(fault.within(format!("The filter plugin '{}' failed.", filter.full_name())))
        }
        Err(fault) => V::Undef(fault),
    }
}

pub fn call_test(cx: &Cx, name: &str, call: Call) -> V {
    let Some(test) = tests::find(name) else {
        return not_found("test", name);
    };
    if !test.takes_undefined
        && let Some(fault) = call.fault()
    {
        return V::Undef(fault.clone());
    }
    match tests::run(cx, test, call) {
        Ok(b) => V::Bool(b),
        Err(fault) if fault.raw => V::Undef(fault.within(format!("The test plugin '{}' failed.", test.full_name()))),
        Err(fault) => V::Undef(fault),
    }
}

fn not_found(what: &str, name: &str) -> V {
    let message = format!("No {what} named {}.", crate::value::repr_str(name));
    V::Undef(Fault::told(ErrorKind::Syntax, message))
}

fn call(cx: &Cx, callee: &Expr, args: &CallArgs) -> Res {
    // The usual method call needs no bound method.
    if let ExprKind::Attr(of, name) = &callee.kind {
        let of = eval(cx, of)?;
        if of.is_undef() {
            return Ok(of);
        }
        if methods::exists(&of, name) {
            let mut call = Call::default();
            more_arguments(cx, args, &mut call, eval)?;
            return Ok(caught(&call, || methods::call(cx, &of, name, &call)));
        }
        if let V::Obj(object) = &of {
            let mut call = Call::default();
            more_arguments(cx, args, &mut call, eval)?;
            if let Some(out) = object.method(cx, name, &call) {
                return Ok(caught(&call, || out));
            }
            let function = attribute(cx, &of, name)?;
            return call_value(cx, function, call);
        }
        let function = attribute(cx, &of, name)?;
        let mut call = Call::default();
        more_arguments(cx, args, &mut call, eval)?;
        return call_value(cx, function, call);
    }
    let function = eval(cx, callee)?;
    let mut call = Call::default();
    let lookup = function.object::<lookups::LookupFunction>().is_some();
    more_arguments(cx, args, &mut call, if lookup { term } else { eval })?;
    call_value(cx, function, call)
}

/// A positional argument of a lookup: constants with delimiters in them are templates.
fn term(cx: &Cx, expr: &Expr) -> Res {
    match &expr.kind {
        ExprKind::ConstTemplate(text) => Ok(render_constant(cx, text)),
        ExprKind::List(items) => items.iter().map(|e| term(cx, e)).collect::<Res<Vec<V>>>().map(V::list),
        ExprKind::Dict(items) => {
            let mut map = indexmap::IndexMap::with_capacity(items.len());
            for (key, value) in items {
                map.insert(compare_key(&eval(cx, key)?)?, term(cx, value)?);
            }
            Ok(V::Dict(super::Dict::new(map)))
        }
        _ => eval(cx, expr),
    }
}

/// Calls a value. An undefined argument or an error becomes the result.
pub fn call_value(cx: &Cx, function: V, call: Call) -> Res {
    match &function {
        V::Undef(_) => Ok(function),
        V::Obj(object) if object.type_name() == "Macro" || object.as_any().is::<lookups::LookupFunction>() => {
            Ok(object.call(cx, call).unwrap_or_else(V::Undef))
        }
        V::Obj(object) => Ok(caught(&call, || object.call(cx, call.clone()))),
        other => Ok(V::Undef(Fault::raw(format!("'{}' object is not callable", other.type_name())))),
    }
}

fn caught(call: &Call, run: impl FnOnce() -> Res) -> V {
    if let Some(fault) = call.fault() {
        return V::Undef(fault.clone());
    }
    run().unwrap_or_else(V::Undef)
}
