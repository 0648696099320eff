//! The sequence lookup: numbers as text.

use super::options::Options;
use super::{How, LOOKUP, Lookup, keyvalue};
use crate::template::filters::optional;
use crate::template::runtime::{Args, Cx, Fault, Res, V, percent_format, text};

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "sequence",
    summary: "Numbers from a start to an end, as text.",
    params: &[
        optional("start", "integer", "1"),
        optional("end", "integer", "None"),
        optional("count", "integer", "None"),
        optional("stride", "integer", "1"),
        optional("format", "str", "'%d'"),
    ],
    example: ("query('sequence', 'start=1 end=5 stride=2 format=x%02d')", "['x01', 'x03', 'x05']"),
    run: sequence,
    ..LOOKUP
}];

struct Plan {
    start: i64,
    end: Option<i64>,
    count: Option<i64>,
    stride: i64,
    format: String,
}

fn sequence(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let mut out = vec![];
    let empty = [V::str("")];
    let given = ["start", "end", "count", "stride", "format"].iter().any(|name| args.given(name).is_some());
    let terms = if terms.is_empty() && given { &empty[..] } else { terms };
    for term in terms {
        let Some(term) = term.as_str() else {
            return Err(Fault::raw(format!(
                "unknown error parsing with_sequence arguments: {}. Error was: expected string or bytes-like object, got '{}'",
                text(cx, term)?,
                term.type_name()
            )));
        };
        let words = match shortcut(term) {
            Some(words) => words,
            None => words_of(term)?,
        };
        let options = Options::new(cx, "sequence", args, words)?;
        let plan = Plan {
            start: options.int("start", 1)?,
            end: options.maybe_int("end")?,
            count: options.maybe_int("count")?,
            stride: options.int("stride", 1)?,
            format: options.text("format", "%d")?,
        };
        generate(cx, plan, &mut out)?;
    }
    Ok(out)
}

fn words_of(term: &str) -> Res<Vec<(String, String)>> {
    let (raw, words) = keyvalue::parse(term)?;
    let known = |name: &str| ["start", "end", "count", "stride", "format"].contains(&name);
    let mut strange: Vec<&str> = words.iter().map(|(k, _)| k.as_str()).filter(|k| !known(k)).collect();
    if !raw.is_empty() {
        strange.push("_raw_params");
    }
    if strange.is_empty() {
        return Ok(words);
    }
    let shown: Vec<String> = strange.into_iter().map(crate::value::repr_str).collect();
    Err(Fault::raw(format!("unrecognized arguments to with_sequence: [{}]", shown.join(", "))))
}

/// `[start-]end[/stride][:format]`; what looks like a hexadecimal number is told from a word, but is no valid one.
fn shortcut(term: &str) -> Option<Vec<(String, String)>> {
    let (numbers, format) = term.split_once(':').map_or((term, None), |(n, f)| (n, Some(f)));
    let (range, stride) = numbers.split_once('/').map_or((numbers, None), |(r, s)| (r, Some(s)));
    let (start, end) = range.split_once('-').map_or((None, range), |(s, e)| (Some(s), e));
    let is_number = |t: &str| {
        let digits = t.strip_prefix('0').unwrap_or(t);
        let digits = digits.strip_prefix(['x', 'X']).unwrap_or(digits);
        (!digits.is_empty() || t == "0") && digits.chars().all(|c| c.is_ascii_hexdigit())
    };
    if ![start, Some(end), stride].into_iter().flatten().all(is_number) || format == Some("") {
        return None;
    }
    let found = [("start", start), ("end", Some(end)), ("stride", stride), ("format", format)];
    Some(found.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned()))).collect())
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
