//! The sequence lookup: numbers as text.

use super::{How, LOOKUP, Lookup, keyvalue};
use crate::template::filters::optional;
use crate::template::runtime::{Args, Cx, Fault, Res, V, percent_format, text};

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "sequence",
    summary: "Numbers from a start to an end, as text.",
    params: &[
        optional("start", "int", "1"),
        optional("end", "int", "None"),
        optional("count", "int", "None"),
        optional("stride", "int", "1"),
        optional("format", "str", "'%d'"),
    ],
    example: ("query('sequence', 'start=1 end=5 stride=2 format=x%02d')", "['x01', 'x03', 'x05']"),
    run: sequence,
    ..LOOKUP
}];

#[derive(Clone)]
struct Plan {
    start: i64,
    end: Option<i64>,
    count: Option<i64>,
    stride: i64,
    format: String,
}

fn sequence(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let given = |name: &str| -> Res<Option<i64>> {
        args.text(cx, name)?.map(|t| number(&t).ok_or_else(|| not_a_number(name, &t))).transpose()
    };
    let base = Plan {
        start: given("start")?.unwrap_or(1),
        end: given("end")?,
        count: given("count")?,
        stride: given("stride")?.unwrap_or(1),
        format: args.text_or(cx, "format", "%d")?,
    };
    let mut out = vec![];
    let empty = [V::str("")];
    let terms = if terms.is_empty() { &empty[..] } else { terms };
    for term in terms {
        let mut plan = base.clone();
        let term = text(cx, term)?;
        if !shortcut(&term, &mut plan) {
            let (raw, pairs) = keyvalue::parse(&term)?;
            if !raw.is_empty() {
                return Err(Fault::raw("unrecognized arguments to with_sequence: ['_raw_params']"));
            }
            for (key, value) in pairs {
                let n = || number(&value).ok_or_else(|| not_a_number(&key, &value));
                match key.as_str() {
                    "start" => plan.start = n()?,
                    "end" => plan.end = Some(n()?),
                    "count" => plan.count = Some(n()?),
                    "stride" => plan.stride = n()?,
                    "format" => plan.format = value.clone(),
                    other => {
                        return Err(Fault::raw(format!("unrecognized arguments to with_sequence: ['{other}']")));
                    }
                }
            }
        }
        generate(cx, plan, &mut out)?;
    }
    Ok(out)
}

fn not_a_number(name: &str, text: &str) -> std::sync::Arc<Fault> {
    Fault::raw(format!("Invalid type for '{name}': {text} is not an integer"))
}

/// A decimal number.
fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// `[start-]end[/stride][:format]`
fn shortcut(term: &str, plan: &mut Plan) -> bool {
    let (numbers, format) = term.split_once(':').map_or((term, None), |(n, f)| (n, Some(f)));
    let (range, stride) = numbers.split_once('/').map_or((numbers, None), |(r, s)| (r, Some(s)));
    let (start, end) = range.split_once('-').map_or((None, range), |(s, e)| (Some(s), e));
    let parse = |t: &str| if t.starts_with(|c: char| c.is_ascii_digit()) { number(t) } else { None };
    let Some(end) = parse(end) else { return false };
    let (Some(start), Some(stride)) = (start.map_or(Some(plan.start), parse), stride.map_or(Some(plan.stride), parse))
    else {
        return false;
    };
    plan.start = start;
    plan.end = Some(end);
    plan.stride = stride;
    if let Some(format) = format {
        plan.format = format.to_owned();
    }
    true
}

fn generate(cx: &Cx, plan: Plan, out: &mut Vec<V>) -> Res<()> {
    let end = match (plan.end, plan.count) {
        (None, None) => return Err(Fault::raw("must specify count or end in with_sequence")),
        (Some(_), Some(_)) => return Err(Fault::raw("can't specify both count and end in with_sequence")),
        (None, Some(0)) => return Ok(()),
        (None, Some(count)) => plan.start + count * plan.stride - 1,
        (Some(end), None) => end,
    };
    if plan.stride > 0 && end < plan.start {
        return Err(Fault::raw("to count backwards make stride negative"));
    }
    if plan.stride < 0 && end > plan.start {
        return Err(Fault::raw("to count forward don't make stride negative"));
    }
    if plan.stride == 0 {
        return Ok(());
    }
    if plan.format.matches('%').count() != 1 {
        return Err(Fault::raw(format!("bad formatting string: {}", plan.format)));
    }
    let mut n = plan.start;
    while if plan.stride > 0 { n <= end } else { n >= end } {
        if out.len() > 1_000_000 {
            return Err(Fault::raw("the sequence is too long"));
        }
        let text = percent_format(cx, &plan.format, &V::Int(n))
            .map_err(|_| Fault::raw(format!("problem formatting {n} with '{}'", plan.format)))?;
        out.push(V::str(text));
        n += plan.stride;
    }
    Ok(())
}
