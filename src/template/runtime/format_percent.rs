//! `'%s' % value`, as Python formats.

use super::{Cx, Fault, Num, Res, V, float_to_int, repr, text};

struct Spec {
    key: Option<String>,
    minus: bool,
    plus: bool,
    space: bool,
    hash: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// Formats a text with the values on the right of `%`.
pub fn percent_format(cx: &Cx, format: &str, values: &V) -> Res<String> {
    let chars: Vec<char> = format.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let (list, single): (Vec<V>, bool) = match values {
        V::Tuple(t) => (t.to_vec(), false),
        other => (vec![other.clone()], true),
    };
    let mut next = 0;
    let mut take = || -> Res {
        next += 1;
        list.get(next - 1).cloned().ok_or_else(|| Fault::raw("not enough arguments for format string"))
    };
    let mut keyed = false;
    while at < chars.len() {
        if chars[at] != '%' {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        at += 1;
        let (spec, conversion) = parse(&chars, &mut at, &mut take)?;
        if conversion == '%' {
            out.push('%');
            continue;
        }
        let value = match &spec.key {
            Some(key) => {
                keyed = true;
                match values {
                    V::Dict(d) => d.get_str(cx, key).ok_or_else(|| Fault::raw(crate::value::repr_str(key)))?.trip()?,
                    _ => return Err(Fault::raw("format requires a mapping")),
                }
            }
            None => take()?.trip()?,
        };
        out += &one(cx, &spec, conversion, &value)?;
    }
    let used_all = next >= list.len() || keyed || (single && matches!(values, V::Dict(_)));
    if !used_all {
        return Err(Fault::raw("not all arguments converted during string formatting"));
    }
    Ok(out)
}

fn parse(chars: &[char], at: &mut usize, take: &mut dyn FnMut() -> Res) -> Res<(Spec, char)> {
    let incomplete = || Fault::raw("incomplete format");
    let mut spec = Spec {
        key: None,
        minus: false,
        plus: false,
        space: false,
        hash: false,
        zero: false,
        width: 0,
        precision: None,
    };
    if chars.get(*at) == Some(&'(') {
        let mut depth = 0;
        let start = *at + 1;
        loop {
            match chars.get(*at).ok_or_else(|| Fault::raw("incomplete format key"))? {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            *at += 1;
            if depth == 0 {
                break;
            }
        }
        spec.key = Some(chars[start..*at - 1].iter().collect());
    }
    loop {
        match chars.get(*at).ok_or_else(incomplete)? {
            '-' => spec.minus = true,
            '+' => spec.plus = true,
            ' ' => spec.space = true,
            '#' => spec.hash = true,
            '0' => spec.zero = true,
            _ => break,
        }
        *at += 1;
    }
    let mut number = |at: &mut usize| -> Res<Option<i64>> {
        if chars.get(*at) == Some(&'*') {
            *at += 1;
            return match take()? {
                V::Int(i) => Ok(Some(i)),
                _ => Err(Fault::raw("* wants int")),
            };
        }
        let start = *at;
        while chars.get(*at).is_some_and(char::is_ascii_digit) {
            *at += 1;
        }
        Ok(chars[start..*at].iter().collect::<String>().parse().ok())
    };
    if let Some(width) = number(at)? {
        spec.minus |= width < 0;
        spec.width = limit(width.unsigned_abs())?;
    }
    if chars.get(*at) == Some(&'.') {
        *at += 1;
        spec.precision = Some(limit(number(at)?.unwrap_or(0).max(0) as u64)?);
    }
    while matches!(chars.get(*at), Some('l' | 'h' | 'L')) {
        *at += 1;
    }
    let conversion = *chars.get(*at).ok_or_else(incomplete)?;
    *at += 1;
    Ok((spec, conversion))
}

/// Widths that only a mistake asks for are refused.
fn limit(n: u64) -> Res<usize> {
    if n > 1_000_000 { Err(Fault::raw("width too big")) } else { Ok(n as usize) }
}

fn one(cx: &Cx, spec: &Spec, conversion: char, value: &V) -> Res<String> {
    let body = match conversion {
        's' | 'r' | 'a' => {
            let full = if conversion == 's' { text(cx, value)? } else { repr(cx, value)? };
            let cut = match spec.precision {
                Some(n) => full.chars().take(n).collect(),
                None => full,
            };
            return Ok(pad(spec, String::new(), cut, false));
        }
        'c' => {
            let c = match value {
                V::Int(i) => u32::try_from(*i).ok().and_then(char::from_u32).map(String::from),
                V::Str(t) if t.chars().count() == 1 => Some(t.to_string()),
                _ => None,
            };
            let c = c.ok_or_else(|| Fault::raw("%c requires int or char"))?;
            return Ok(pad(spec, String::new(), c, false));
        }
        'd' | 'i' | 'u' => integer(value, conversion)?,
        'x' | 'X' | 'o' => {
            if matches!(value, V::Float(_)) {
                return Err(Fault::raw(format!("%{conversion} format: an integer is required, not float")));
            }
            let big = integer(value, conversion)?;
            let radix = if conversion == 'o' { 8 } else { 16 };
            let n = num_bigint::BigInt::parse_bytes(big.as_bytes(), 10).unwrap_or_default();
            let digits = n.to_str_radix(radix);
            let (sign, digits) = match digits.strip_prefix('-') {
                Some(rest) => ("-", rest.to_owned()),
                None => ("", digits),
            };
            let prefix = match (spec.hash, conversion) {
                (false, _) => "",
                (_, 'o') => "0o",
                (_, 'X') => "0X",
                _ => "0x",
            };
            let digits = if conversion == 'X' { digits.to_uppercase() } else { digits };
            let digits = zeros(digits, spec.precision);
            return Ok(signed(spec, &format!("{sign}{prefix}"), digits));
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let n =
                Num::of(value).ok_or_else(|| Fault::raw(format!("must be real number, not {}", value.type_name())))?;
            let formatted = super::format_brace::float(n.as_f64(), conversion, spec.precision.unwrap_or(6), spec.hash);
            let (sign, digits) = match formatted.strip_prefix('-') {
                Some(rest) => ("-", rest.to_owned()),
                None => ("", formatted),
            };
            return Ok(signed(spec, sign, digits));
        }
        other => return Err(Fault::raw(format!("unsupported format character '{other}' (0x{:x})", other as u32))),
    };
    let (sign, digits) = match body.strip_prefix('-') {
        Some(rest) => ("-", rest.to_owned()),
        None => ("", body),
    };
    Ok(signed(spec, sign, zeros(digits, spec.precision)))
}

fn zeros(digits: String, precision: Option<usize>) -> String {
    let missing = precision.unwrap_or(0).saturating_sub(digits.len());
    "0".repeat(missing) + &digits
}

fn integer(value: &V, conversion: char) -> Res<String> {
    match value {
        V::Int(i) => Ok(i.to_string()),
        V::Big(i) => Ok(i.to_string()),
        V::Bool(b) => Ok(i64::from(*b).to_string()),
        V::Float(f) => match float_to_int(*f) {
            Some(V::Int(i)) => Ok(i.to_string()),
            Some(V::Big(i)) => Ok(i.to_string()),
            _ => Err(Fault::raw("cannot convert float infinity to integer")),
        },
        other => Err(Fault::raw(format!(
            "%{conversion} format: {} is required, not {}",
            if matches!(conversion, 'x' | 'X' | 'o') { "an integer" } else { "a real number" },
            other.type_name()
        ))),
    }
}

fn signed(spec: &Spec, sign: &str, digits: String) -> String {
    let sign = if sign.starts_with('-') {
        sign.to_owned()
    } else if spec.plus {
        format!("+{sign}")
    } else if spec.space {
        format!(" {sign}")
    } else {
        sign.to_owned()
    };
    pad(spec, sign, digits, true)
}

fn pad(spec: &Spec, sign: String, body: String, number: bool) -> String {
    let missing = spec.width.saturating_sub(sign.chars().count() + body.chars().count());
    if spec.minus {
        format!("{sign}{body}{}", " ".repeat(missing))
    } else if spec.zero && number {
        format!("{sign}{}{body}", "0".repeat(missing))
    } else {
        format!("{}{sign}{body}", " ".repeat(missing))
    }
}
