//! `'{}'.format(…)` and Python's format specifications.

use super::{Call, Cx, Fault, Num, Res, V, attribute, item, repr, text};

/// `str.format`.
pub fn brace_format(cx: &Cx, format: &str, call: &Call) -> Res<String> {
    let mut auto = Some(0usize);
    render(cx, format, call, &mut auto, 0)
}

fn render(cx: &Cx, format: &str, call: &Call, auto: &mut Option<usize>, depth: usize) -> Res<String> {
    if depth > 2 {
        return Err(Fault::raw("Max string recursion exceeded"));
    }
    let chars: Vec<char> = format.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('{', Some('{')) => {
                out.push('{');
                at += 2;
            }
            ('}', Some('}')) => {
                out.push('}');
                at += 2;
            }
            ('}', _) => return Err(Fault::raw("Single '}' encountered in format string")),
            ('{', _) => {
                let mut level = 1;
                let start = at + 1;
                at += 1;
                while level > 0 {
                    match chars.get(at) {
                        Some('{') => level += 1,
                        Some('}') => level -= 1,
                        None if start == chars.len() => {
                            return Err(Fault::raw("Single '{' encountered in format string"));
                        }
                        None => return Err(Fault::raw("expected '}' before end of string")),
                        _ => {}
                    }
                    at += 1;
                }
                let field: String = chars[start..at - 1].iter().collect();
                out += &replace(cx, &field, call, auto, depth)?;
            }
            (c, _) => {
                out.push(c);
                at += 1;
            }
        }
    }
    Ok(out)
}

fn replace(cx: &Cx, field: &str, call: &Call, auto: &mut Option<usize>, depth: usize) -> Res<String> {
    let bracket = field.find('[').map_or(0, |b| field[b..].find(']').map_or(0, |e| b + e));
    let name_end = field[bracket..].find(['!', ':']).map_or(field.len(), |p| bracket + p);
    let (name, rest) = field.split_at(name_end);
    let (conversion, spec) = match rest.strip_prefix('!') {
        Some(rest) => {
            let (conversion, spec) = rest.split_once(':').unwrap_or((rest, ""));
            (Some(conversion), spec)
        }
        None => (None, rest.strip_prefix(':').unwrap_or("")),
    };
    let value = lookup(cx, name, call, auto)?;
    let spec = render(cx, spec, call, auto, depth + 1)?;
    let value = match conversion {
        None => value,
        Some("r" | "a") => V::str(repr(cx, &value)?),
        Some("s") => V::str(text(cx, &value)?),
        Some(other) => return Err(Fault::raw(format!("Unknown conversion specifier {other}"))),
    };
    format_spec(cx, &value, &spec)
}

fn lookup(cx: &Cx, name: &str, call: &Call, auto: &mut Option<usize>) -> Res {
    let first = name.find(['.', '[']).unwrap_or(name.len());
    let (base, mut path) = name.split_at(first);
    let positional = |i: usize| {
        call.pos
            .get(i)
            .cloned()
            .ok_or_else(|| Fault::raw(format!("Replacement index {i} out of range for positional args tuple")))
    };
    let mut value = if base.is_empty() {
        let Some(next) = auto.as_mut() else {
            return Err(Fault::raw("cannot switch from manual field specification to automatic field numbering"));
        };
        *next += 1;
        positional(*next - 1)?
    } else if let Ok(i) = base.parse::<usize>() {
        if auto.is_some_and(|n| n > 0) {
            return Err(Fault::raw("cannot switch from automatic field numbering to manual field specification"));
        }
        *auto = None;
        positional(i)?
    } else {
        let found = call.named.iter().find(|(n, _)| &**n == base).map(|(_, v)| v.clone());
        found.ok_or_else(|| Fault::raw(crate::value::repr_str(base)))?
    };
    while !path.is_empty() {
        if let Some(rest) = path.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            value = attribute(cx, &value, &rest[..end].into())?.trip()?;
            path = &rest[end..];
        } else if let Some((key, rest)) = path[1..].split_once(']') {
            let key = key.parse::<i64>().map_or_else(|_| V::str(key), V::Int);
            value = item(cx, &value, &key)?.trip()?;
            path = rest;
        } else {
            return Err(Fault::raw("Missing ']' in format string"));
        }
    }
    Ok(value)
}

struct Spec {
    fill: char,
    align: Option<char>,
    sign: char,
    hash: bool,
    zero: bool,
    width: usize,
    group: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

fn parse(spec: &str) -> Res<Spec> {
    let chars: Vec<char> = spec.chars().collect();
    let is_align = |c: Option<&char>| c.is_some_and(|c| matches!(c, '<' | '>' | '=' | '^'));
    let mut at = 0;
    let mut out = Spec {
        fill: ' ',
        align: None,
        sign: '-',
        hash: false,
        zero: false,
        width: 0,
        group: None,
        precision: None,
        kind: None,
    };
    if is_align(chars.get(1)) {
        out.fill = chars[0];
        out.align = Some(chars[1]);
        at = 2;
    } else if is_align(chars.first()) {
        out.align = Some(chars[0]);
        at = 1;
    }
    if let Some(c @ ('+' | '-' | ' ')) = chars.get(at) {
        out.sign = *c;
        at += 1;
    }
    if chars.get(at) == Some(&'#') {
        out.hash = true;
        at += 1;
    }
    if chars.get(at) == Some(&'0') {
        out.zero = true;
        at += 1;
    }
    let number = |at: &mut usize| -> Res<Option<usize>> {
        let start = *at;
        while chars.get(*at).is_some_and(char::is_ascii_digit) {
            *at += 1;
        }
        if start == *at {
            return Ok(None);
        }
        let n: usize = chars[start..*at].iter().collect::<String>().parse().unwrap_or(usize::MAX);
        if n > 1_000_000 { Err(Fault::raw("Too many decimal digits in format string")) } else { Ok(Some(n)) }
    };
    out.width = number(&mut at)?.unwrap_or(0);
    if let Some(c @ (',' | '_')) = chars.get(at) {
        out.group = Some(*c);
        at += 1;
    }
    if chars.get(at) == Some(&'.') {
        at += 1;
        out.precision = Some(number(&mut at)?.ok_or_else(|| Fault::raw("Format specifier missing precision"))?);
    }
    if at < chars.len() {
        out.kind = Some(chars[at]);
        at += 1;
    }
    if at < chars.len() {
        return Err(Fault::raw(format!("Invalid format specifier '{spec}'")));
    }
    Ok(out)
}

/// `format(value, spec)`.
pub fn format_spec(cx: &Cx, value: &V, spec: &str) -> Res<String> {
    value.check()?;
    if spec.is_empty() {
        return text(cx, value);
    }
    if let Some(time) = value.object::<super::Time>() {
        return Ok(time.format(spec));
    }
    let unsupported = || Fault::raw(format!("unsupported format string passed to {}.__format__", value.type_name()));
    let s = parse(spec)?;
    match value {
        V::Str(t) => {
            if s.kind.is_some_and(|k| k != 's') {
                return Err(Fault::raw(format!(
                    "Unknown format code '{}' for object of type 'str'",
                    s.kind.unwrap_or(' ')
                )));
            }
            let body: String = match s.precision {
                Some(n) => t.chars().take(n).collect(),
                None => t.to_string(),
            };
            Ok(pad(&s, "", &body, '<'))
        }
        V::Bool(_) if matches!(s.kind, None | Some('s')) => Ok(pad(&s, "", &text(cx, value)?, '<')),
        V::Int(_) | V::Big(_) | V::Bool(_) | V::Float(_) => number(&s, value),
        _ => Err(unsupported()),
    }
}

fn number(s: &Spec, value: &V) -> Res<String> {
    let n = Num::of(value).ok_or_else(|| Fault::raw("not a number"))?;
    let is_float = matches!(value, V::Float(_));
    let unknown = |k: char| {
        let what = if is_float { "float" } else { "int" };
        Fault::raw(format!("Unknown format code '{k}' for object of type '{what}'"))
    };
    let (negative, prefix, body, every) = match s.kind {
        None | Some('d' | 'n') if !is_float => {
            if s.precision.is_some() {
                return Err(Fault::raw("Precision not allowed in integer format specifier"));
            }
            let digits = digits(&n, 10);
            (digits.starts_with('-'), "", digits.trim_start_matches('-').to_owned(), 3)
        }
        Some(k @ ('b' | 'o' | 'x' | 'X')) if !is_float => {
            let radix = match k {
                'b' => 2,
                'o' => 8,
                _ => 16,
            };
            let digits = digits(&n, radix);
            let body = digits.trim_start_matches('-').to_owned();
            let prefix = match (s.hash, k) {
                (false, _) => "",
                (_, 'b') => "0b",
                (_, 'o') => "0o",
                (_, 'X') => "0X",
                _ => "0x",
            };
            (digits.starts_with('-'), prefix, if k == 'X' { body.to_uppercase() } else { body }, 4)
        }
        Some('c') if !is_float => {
            let c = match n {
                Num::Int(i) => u32::try_from(i).ok().and_then(char::from_u32),
                _ => None,
            };
            let c = c.ok_or_else(|| Fault::raw("%c arg not in range(0x110000)"))?;
            return Ok(pad(s, "", &c.to_string(), '<'));
        }
        kind @ (None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%')) => {
            let x = n.as_f64();
            let text = match kind {
                None => match s.precision {
                    None => crate::value::float_repr(x),
                    Some(p) => general_repr(x, p),
                },
                Some('%') => float(x * 100.0, 'f', s.precision.unwrap_or(6), s.hash) + "%",
                Some(k) => float(x, if k == 'n' { 'g' } else { k }, s.precision.unwrap_or(6), s.hash),
            };
            (text.starts_with('-'), "", text.trim_start_matches('-').to_owned(), 3)
        }
        Some(k) => return Err(unknown(k)),
    };
    let sign = match (negative, s.sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        _ => "",
    };
    let sign = format!("{sign}{prefix}");
    let body = match s.group {
        Some(c) => grouped(&body, c, every, if s.zero { s.width.saturating_sub(sign.len()) } else { 0 }),
        None => body,
    };
    if s.zero && s.align.is_none() {
        let missing = s.width.saturating_sub(sign.len() + body.len());
        return Ok(format!("{sign}{}{body}", "0".repeat(missing)));
    }
    Ok(pad(s, &sign, &body, '>'))
}

fn digits(n: &Num, radix: u32) -> String {
    match n {
        Num::Int(i) => num_bigint::BigInt::from(*i).to_str_radix(radix),
        Num::Big(i) => i.to_str_radix(radix),
        Num::Float(f) => format!("{f:.0}"),
    }
}

fn grouped(body: &str, separator: char, every: usize, width: usize) -> String {
    let whole = body.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(body.len());
    let whole = body[..whole].find(['e', 'E']).filter(|_| every == 3).unwrap_or(whole);
    let (mut int, rest) = (body[..whole].to_owned(), &body[whole..]);
    let commas = |n: usize| if n == 0 { 0 } else { (n - 1) / every };
    while int.len() + commas(int.len()) + rest.len() < width {
        int.insert(0, '0');
    }
    let mut out = String::new();
    for (i, c) in int.chars().enumerate() {
        if i > 0 && (int.len() - i) % every == 0 {
            out.push(separator);
        }
        out.push(c);
    }
    out + rest
}

fn pad(s: &Spec, sign: &str, body: &str, default: char) -> String {
    let missing = s.width.saturating_sub(sign.chars().count() + body.chars().count());
    let fill = |n: usize| -> String {
        let c = if s.zero && s.align.is_none() { '0' } else { s.fill };
        std::iter::repeat_n(c, n).collect()
    };
    match s.align.unwrap_or(default) {
        '<' => format!("{sign}{body}{}", fill(missing)),
        '^' => format!("{}{sign}{body}{}", fill(missing / 2), fill(missing - missing / 2)),
        '=' => format!("{sign}{}{body}", fill(missing)),
        _ => format!("{}{sign}{body}", fill(missing)),
    }
}

/// A float as C's `printf` writes it.
pub fn float(x: f64, kind: char, precision: usize, alternate: bool) -> String {
    let out = if x.is_nan() {
        "nan".to_owned()
    } else if x.is_infinite() {
        if x > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else {
        match kind.to_ascii_lowercase() {
            'f' => format!("{x:.precision$}"),
            'e' => exponent(x, precision),
            _ => general(x, precision.max(1), alternate),
        }
    };
    if kind.is_ascii_uppercase() { out.to_uppercase() } else { out }
}

fn exponent(x: f64, precision: usize) -> String {
    let text = format!("{x:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn general(x: f64, precision: usize, alternate: bool) -> String {
    let scientific = format!("{x:.*e}", precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let strip = |s: String| {
        if alternate || !s.contains('.') { s } else { s.trim_end_matches('0').trim_end_matches('.').to_owned() }
    };
    if power < -4 || power >= precision as i32 {
        let text = exponent(x, precision - 1);
        let (mantissa, e) = text.split_once('e').unwrap_or((&text, "+00"));
        format!("{}e{e}", strip(mantissa.to_owned()))
    } else {
        strip(format!("{x:.*}", (precision as i32 - 1 - power).max(0) as usize))
    }
}

/// `format(x, '.3')`: as `g`, but always with a digit after the point.
fn general_repr(x: f64, precision: usize) -> String {
    let text = general(x, precision.max(1), false);
    if text.contains(['.', 'e', 'n', 'i']) { text } else { text + ".0" }
}
