//! JMESPath: parsing and evaluation over a template's values.

use crate::template::runtime::{Cx, Fault, Num, Res, V, compare, contains, equal, iterate, key_value, sort};
use crate::value::Key;
use std::cmp::Ordering;

pub enum Expr {
    Current,
    Field(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>, i64),
    Sub(Box<Expr>, Box<Expr>),
    /// left[*] right
    ListProjection(Box<Expr>, Box<Expr>),
    ValueProjection(Box<Expr>, Box<Expr>),
    Flatten(Box<Expr>),
    Filter(Box<Expr>, Box<Expr>, Box<Expr>),
    Compare(&'static str, Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Literal(V),
    List(Vec<Expr>),
    Dict(Vec<(String, Expr)>),
    Call(String, Vec<Expr>),
    /// `&expr`, an argument of sort_by and its kin.
    Ref(Box<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
enum Tok {
    Name(String),
    Quoted(String),
    Raw(String),
    Json(String),
    Number(i64),
    Op(&'static str),
    End,
}

const OPS: [&str; 25] = [
    "[?", "[]", "||", "&&", "==", "!=", "<=", ">=", "[", "]", "{", "}", "(", ")", ".", "*", ",", ":", "|", "&", "<",
    ">", "!", "@", "-",
];

fn tokens(text: &str) -> Result<Vec<Tok>, String> {
    let mut out = vec![];
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let quoted = |rest: &str, quote: char| -> Result<(String, usize), String> {
            let mut body = String::new();
            let mut chars = rest.char_indices().skip(1);
            while let Some((i, c)) = chars.next() {
                if c == '\\' {
                    match chars.next() {
                        Some((_, c)) if c == quote => body.push(c),
                        Some((_, c)) => {
                            body.push('\\');
                            body.push(c);
                        }
                        None => break,
                    }
                } else if c == quote {
                    return Ok((body, i + 1));
                } else {
                    body.push(c);
                }
            }
            Err(format!("Bad jmespath expression: Unclosed {quote} delimiter"))
        };
        let taken = match c {
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                out.push(Tok::Name(rest[..end].to_owned()));
                end
            }
            '0'..='9' => {
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                out.push(Tok::Number(rest[..end].parse().map_err(|_| "number too large".to_owned())?));
                end
            }
            '\'' => {
                let (body, len) = quoted(rest, '\'')?;
                out.push(Tok::Raw(body));
                len
            }
            '"' => {
                let (_, len) = quoted(rest, '"')?;
                let body: String = serde_json::from_str(&rest[..len]).map_err(|e| e.to_string())?;
                out.push(Tok::Quoted(body));
                len
            }
            '`' => {
                let (body, len) = quoted(rest, '`')?;
                out.push(Tok::Json(body.trim_start().to_owned()));
                len
            }
            _ => {
                let op = OPS.iter().find(|op| rest.starts_with(**op));
                let op = op.ok_or_else(|| format!("Bad jmespath expression: Unknown token {c}:\n{text}"))?;
                out.push(Tok::Op(op));
                op.len()
            }
        };
        rest = rest[taken..].trim_start();
    }
    out.push(Tok::End);
    Ok(out)
}

struct Parser {
    tokens: Vec<Tok>,
    at: usize,
    depth: usize,
}

/// # Errors
/// Why the text is not an expression.
pub fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expr = parser.expr(0)?;
    match parser.peek() {
        Tok::End => Ok(expr),
        other => Err(format!("Invalid jmespath expression: unexpected {other:?}")),
    }
}

/// How tightly an operator binds on its left.
fn power(tok: &Tok) -> u8 {
    let Tok::Op(op) = tok else { return 0 };
    match *op {
        "|" => 1,
        "||" => 2,
        "&&" => 3,
        "==" | "!=" | "<" | ">" | "<=" | ">=" => 5,
        "[]" => 9,
        "*" => 20,
        "[?" => 21,
        "." => 40,
        "!" => 45,
        "{" => 50,
        "[" => 55,
        "(" => 60,
        _ => 0,
    }
}

type Parsed = Result<Expr, String>;

impl Parser {
    fn peek(&self) -> &Tok {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }
    fn next(&mut self) -> Tok {
        let tok = self.peek().clone();
        self.at += 1;
        tok
    }
    fn is(&self, op: &str) -> bool {
        matches!(self.peek(), Tok::Op(o) if *o == op)
    }
    fn expect(&mut self, op: &str) -> Result<(), String> {
        if self.is(op) {
            self.at += 1;
            return Ok(());
        }
        Err(format!("Invalid jmespath expression: expected {op}, got {:?}", self.peek()))
    }
    fn expr(&mut self, binding: u8) -> Parsed {
        self.depth += 1;
        if self.depth > 60 {
            return Err("the expression nests too deeply".to_owned());
        }
        let mut left = self.prefix()?;
        while binding < power(self.peek()) {
            left = self.infix(left)?;
        }
        self.depth -= 1;
        Ok(left)
    }
    fn prefix(&mut self) -> Parsed {
        let current = || Box::new(Expr::Current);
        Ok(match self.next() {
            Tok::Name(name) if self.is("(") => {
                self.at += 1;
                let mut args = vec![];
                while !self.is(")") {
                    if !args.is_empty() {
                        self.expect(",")?;
                    }
                    args.push(if self.is("&") {
                        self.at += 1;
                        Expr::Ref(Box::new(self.expr(0)?))
                    } else {
                        self.expr(0)?
                    });
                }
                self.expect(")")?;
                Expr::Call(name, args)
            }
            Tok::Name(name) | Tok::Quoted(name) => Expr::Field(name),
            Tok::Raw(text) => Expr::Literal(V::str(text)),
            Tok::Json(text) => Expr::Literal(super::json::parse(&text).unwrap_or_else(|_| V::str(text.trim()))),
            Tok::Op("@") => Expr::Current,
            Tok::Op("!") => Expr::Not(Box::new(self.expr(45)?)),
            Tok::Op("(") => {
                let inner = self.expr(0)?;
                self.expect(")")?;
                inner
            }
            Tok::Op("*") => {
                let right = if self.is("]") { Expr::Current } else { self.projected(20)? };
                Expr::ValueProjection(current(), Box::new(right))
            }
            Tok::Op("[") => self.bracket(None)?,
            Tok::Op("[]") => {
                let right = self.projected(9)?;
                Expr::ListProjection(Box::new(Expr::Flatten(current())), Box::new(right))
            }
            Tok::Op("[?") => self.filter(Expr::Current)?,
            Tok::Op("{") => self.dict()?,
            Tok::End => return Err("Invalid jmespath expression: Incomplete expression".to_owned()),
            other => return Err(format!("Invalid jmespath expression: unexpected {other:?}")),
        })
    }
    fn infix(&mut self, left: Expr) -> Parsed {
        let left = Box::new(left);
        let Tok::Op(op) = self.next() else { return Err("Invalid jmespath expression".to_owned()) };
        Ok(match op {
            "." if self.is("*") => {
                self.at += 1;
                let right = self.projected(20)?;
                Expr::ValueProjection(left, Box::new(right))
            }
            "." => Expr::Sub(left, Box::new(self.after_dot(40)?)),
            "|" => Expr::Sub(left, Box::new(Expr::Sub(Box::new(Expr::Current), Box::new(self.expr(1)?)))),
            "||" => Expr::Or(left, Box::new(self.expr(2)?)),
            "&&" => Expr::And(left, Box::new(self.expr(3)?)),
            "==" | "!=" | "<" | ">" | "<=" | ">=" => Expr::Compare(op, left, Box::new(self.expr(5)?)),
            "[" => self.bracket(Some(*left))?,
            "[]" => {
                let right = self.projected(9)?;
                Expr::ListProjection(Box::new(Expr::Flatten(left)), Box::new(right))
            }
            "[?" => self.filter(*left)?,
            other => return Err(format!("Invalid jmespath expression: unexpected {other}")),
        })
    }
    /// What follows a dot: a name, a call, `[…]` or `{…}`.
    fn after_dot(&mut self, binding: u8) -> Parsed {
        match self.peek() {
            Tok::Name(_) | Tok::Quoted(_) | Tok::Op("*") => self.expr(binding),
            Tok::Op("[") => {
                self.at += 1;
                self.list()
            }
            Tok::Op("{") => {
                self.at += 1;
                self.dict()
            }
            other => Err(format!("Invalid jmespath expression: unexpected {other:?} after a dot")),
        }
    }
    /// The right side of a projection.
    fn projected(&mut self, binding: u8) -> Parsed {
        if power(self.peek()) < 10 {
            return Ok(Expr::Current);
        }
        match self.peek() {
            Tok::Op("[" | "[?") => self.expr(binding),
            Tok::Op(".") => {
                self.at += 1;
                self.after_dot(binding)
            }
            other => Err(format!("Invalid jmespath expression: unexpected {other:?}")),
        }
    }
    /// After `[`: an index, a slice, `*`, or (at the start) a list of expressions.
    fn bracket(&mut self, left: Option<Expr>) -> Parsed {
        let has_left = left.is_some();
        let left = Box::new(left.unwrap_or(Expr::Current));
        if self.is("*") && matches!(self.tokens.get(self.at + 1), Some(Tok::Op("]"))) {
            self.at += 2;
            let right = self.projected(20)?;
            return Ok(Expr::ListProjection(left, Box::new(right)));
        }
        if !matches!(self.peek(), Tok::Number(_) | Tok::Op("-" | ":")) {
            let list = self.list()?;
            return Ok(if has_left { Expr::Sub(left, Box::new(list)) } else { list });
        }
        let mut parts: Vec<Option<i64>> = vec![None];
        loop {
            match self.next() {
                Tok::Op("]") => break,
                Tok::Op(":") => parts.push(None),
                Tok::Op("-") => match self.next() {
                    Tok::Number(n) => *parts.last_mut().ok_or("no part")? = Some(-n),
                    other => return Err(format!("Invalid jmespath expression: unexpected {other:?}")),
                },
                Tok::Number(n) => *parts.last_mut().ok_or("no part")? = Some(n),
                other => return Err(format!("Invalid jmespath expression: unexpected {other:?}")),
            }
        }
        Ok(match parts[..] {
            [Some(i)] => Expr::Sub(left, Box::new(Expr::Index(i))),
            [a, b] => self.sliced(left, a, b, 1)?,
            [a, b, step] => self.sliced(left, a, b, step.unwrap_or(1))?,
            _ => return Err("Invalid jmespath expression: bad slice".to_owned()),
        })
    }
    fn sliced(&mut self, left: Box<Expr>, a: Option<i64>, b: Option<i64>, step: i64) -> Parsed {
        if step == 0 {
            return Err("slice step cannot be 0".to_owned());
        }
        let right = self.projected(20)?;
        Ok(Expr::ListProjection(Box::new(Expr::Sub(left, Box::new(Expr::Slice(a, b, step)))), Box::new(right)))
    }
    fn filter(&mut self, left: Expr) -> Parsed {
        let test = self.expr(0)?;
        self.expect("]")?;
        let right = if self.is("[]") { Expr::Current } else { self.projected(21)? };
        Ok(Expr::Filter(Box::new(left), Box::new(test), Box::new(right)))
    }
    fn list(&mut self) -> Parsed {
        let mut items = vec![];
        loop {
            items.push(self.expr(0)?);
            if self.is("]") {
                self.at += 1;
                return Ok(Expr::List(items));
            }
            self.expect(",")?;
        }
    }
    fn dict(&mut self) -> Parsed {
        let mut items = vec![];
        loop {
            let key = match self.next() {
                Tok::Name(name) | Tok::Quoted(name) => name,
                other => return Err(format!("Invalid jmespath expression: unexpected {other:?}")),
            };
            self.expect(":")?;
            items.push((key, self.expr(0)?));
            if self.is("}") {
                self.at += 1;
                return Ok(Expr::Dict(items));
            }
            self.expect(",")?;
        }
    }
}

/// JMESPath's truth: empty things and null are false, zero is true.
fn holds(v: &V) -> bool {
    match v {
        V::None | V::Bool(false) => false,
        V::Str(t) => !t.is_empty(),
        V::List(l) => l.len() > 0,
        V::Dict(d) => d.len() > 0,
        _ => true,
    }
}

fn project(cx: &Cx, items: Vec<V>, right: &Expr) -> Res {
    let mut out = vec![];
    for item in items {
        let found = search(cx, right, &item)?;
        if !matches!(found, V::None) {
            out.push(found);
        }
    }
    Ok(V::list(out))
}

fn list_of(cx: &Cx, v: &V) -> Res<Option<Vec<V>>> {
    match v {
        V::List(_) | V::Tuple(_) => iterate(cx, v).map(Some),
        _ => Ok(None),
    }
}

/// Evaluates an expression over a value.
pub fn search(cx: &Cx, expr: &Expr, v: &V) -> Res {
    v.check()?;
    Ok(match expr {
        Expr::Current => v.clone(),
        Expr::Field(name) => match v {
            V::Dict(d) => d.get_str(cx, name).unwrap_or(V::None).trip()?,
            _ => V::None,
        },
        Expr::Index(i) => match list_of(cx, v)? {
            Some(items) => {
                let at = if *i < 0 { i + items.len() as i64 } else { *i };
                usize::try_from(at).ok().and_then(|i| items.get(i).cloned()).unwrap_or(V::None)
            }
            None => V::None,
        },
        Expr::Slice(a, b, step) => match list_of(cx, v)? {
            Some(items) => V::list(
                crate::template::runtime::slice_indices(items.len(), *a, *b, *step).map(|i| items[i].clone()).collect(),
            ),
            None => V::None,
        },
        Expr::Sub(left, right) => search(cx, right, &search(cx, left, v)?)?,
        Expr::ListProjection(left, right) => match list_of(cx, &search(cx, left, v)?)? {
            Some(items) => project(cx, items, right)?,
            None => V::None,
        },
        Expr::ValueProjection(left, right) => match search(cx, left, v)? {
            V::Dict(d) => project(cx, d.items(cx).into_iter().map(|(_, v)| v).collect(), right)?,
            _ => V::None,
        },
        Expr::Flatten(inner) => match list_of(cx, &search(cx, inner, v)?)? {
            Some(items) => {
                let mut out = vec![];
                for item in items {
                    match list_of(cx, &item)? {
                        Some(inner) => out.extend(inner),
                        None => out.push(item),
                    }
                }
                V::list(out)
            }
            None => V::None,
        },
        Expr::Filter(left, test, right) => match list_of(cx, &search(cx, left, v)?)? {
            Some(items) => {
                let mut kept = vec![];
                for item in items {
                    if holds(&search(cx, test, &item)?) {
                        kept.push(item);
                    }
                }
                project(cx, kept, right)?
            }
            None => V::None,
        },
        Expr::Compare(op, left, right) => {
            let (a, b) = (search(cx, left, v)?, search(cx, right, v)?);
            match *op {
                "==" | "!=" => {
                    // A boolean is no number here.
                    let kinds = matches!(a, V::Bool(_)) == matches!(b, V::Bool(_));
                    V::Bool((kinds && equal(cx, &a, &b)?) == (*op == "=="))
                }
                _ => {
                    let numbers = |v: &V| !matches!(v, V::Bool(_)) && Num::of(v).is_some() || matches!(v, V::Str(_));
                    if !numbers(&a) || !numbers(&b) {
                        return Ok(V::None);
                    }
                    match compare(cx, &a, &b, op) {
                        Ok(Some(order)) => V::Bool(match *op {
                            "<" => order == Ordering::Less,
                            ">" => order == Ordering::Greater,
                            "<=" => order != Ordering::Greater,
                            _ => order != Ordering::Less,
                        }),
                        _ => V::None,
                    }
                }
            }
        }
        Expr::Or(left, right) => {
            let a = search(cx, left, v)?;
            if holds(&a) { a } else { search(cx, right, v)? }
        }
        Expr::And(left, right) => {
            let a = search(cx, left, v)?;
            if holds(&a) { search(cx, right, v)? } else { a }
        }
        Expr::Not(inner) => V::Bool(!holds(&search(cx, inner, v)?)),
        Expr::Literal(value) => value.clone(),
        Expr::List(items) => {
            if matches!(v, V::None) {
                return Ok(V::None);
            }
            V::list(items.iter().map(|e| search(cx, e, v)).collect::<Res<_>>()?)
        }
        Expr::Dict(items) => {
            if matches!(v, V::None) {
                return Ok(V::None);
            }
            let pairs: Res<Vec<(Key, V)>> =
                items.iter().map(|(k, e)| Ok((Key::from(k.as_str()), search(cx, e, v)?))).collect();
            V::dict(pairs?)
        }
        Expr::Call(name, args) => call(cx, name, args, v)?,
        Expr::Ref(_) => return Err(Fault::raw("an expression reference stands where a value is needed")),
    })
}

fn bad(name: &str, v: &V) -> std::sync::Arc<Fault> {
    Fault::raw(format!(
        "JMESPathError in json_query filter plugin:\nIn function {name}(), invalid type for value: {}",
        v.type_name()
    ))
}

fn call(cx: &Cx, name: &str, args: &[Expr], v: &V) -> Res {
    let mut values = vec![];
    let mut by = None;
    for arg in args {
        match arg {
            Expr::Ref(inner) => by = Some(&**inner),
            arg => values.push(search(cx, arg, v)?),
        }
    }
    let first = values.first().cloned().unwrap_or(V::None);
    let list = |v: &V| list_of(cx, v)?.ok_or_else(|| bad(name, v));
    let number = |v: &V| match v {
        V::Bool(_) => Err(bad(name, v)),
        v => Num::of(v).ok_or_else(|| bad(name, v)),
    };
    let text = |v: &V| v.as_str().map(str::to_owned).ok_or_else(|| bad(name, v));
    let second = || values.get(1).cloned().ok_or_else(|| Fault::raw(format!("{name}() takes 2 arguments")));
    let keyed = |items: Vec<V>| -> Res<Vec<(V, V)>> {
        let by = by.ok_or_else(|| Fault::raw(format!("{name}() needs an expression reference")))?;
        items.into_iter().map(|item| Ok((search(cx, by, &item)?, item))).collect()
    };
    let extreme = |mut pairs: Vec<(V, V)>, last: bool| -> Res {
        sort(cx, &mut pairs, last)?;
        Ok(pairs.into_iter().next().map_or(V::None, |(_, v)| v))
    };
    Ok(match name {
        "length" => V::from(crate::template::runtime::length(&first).map_err(|_| bad(name, &first))?),
        "keys" => match &first {
            V::Dict(d) => V::list(d.keys().iter().map(key_value).collect()),
            other => return Err(bad(name, other)),
        },
        "values" => match &first {
            V::Dict(d) => V::list(d.items(cx).into_iter().map(|(_, v)| v).collect()),
            other => return Err(bad(name, other)),
        },
        "contains" => match &first {
            V::Str(_) | V::List(_) => V::Bool(contains(cx, &first, &second()?).unwrap_or(false)),
            other => return Err(bad(name, other)),
        },
        "starts_with" => V::Bool(text(&first)?.starts_with(&text(&second()?)?)),
        "ends_with" => V::Bool(text(&first)?.ends_with(&text(&second()?)?)),
        "join" => {
            let parts: Res<Vec<String>> = list(&second()?)?.iter().map(&text).collect();
            V::str(parts?.join(&text(&first)?))
        }
        "sort" => {
            let mut pairs: Vec<(V, V)> = list(&first)?.into_iter().map(|v| (v.clone(), v)).collect();
            sort(cx, &mut pairs, false)?;
            V::list(pairs.into_iter().map(|(_, v)| v).collect())
        }
        "sort_by" => {
            let mut pairs = keyed(list(&first)?)?;
            sort(cx, &mut pairs, false)?;
            V::list(pairs.into_iter().map(|(_, v)| v).collect())
        }
        "max_by" | "min_by" => extreme(keyed(list(&first)?)?, name == "max_by")?,
        "max" | "min" => extreme(list(&first)?.into_iter().map(|v| (v.clone(), v)).collect(), name == "max")?,
        "map" => {
            let by = by.ok_or_else(|| Fault::raw("map() needs an expression reference"))?;
            let items = list(&first)?;
            V::list(items.iter().map(|item| search(cx, by, item)).collect::<Res<_>>()?)
        }
        "reverse" => match &first {
            V::Str(t) => V::str(t.chars().rev().collect::<String>()),
            other => {
                let mut items = list(other)?;
                items.reverse();
                V::list(items)
            }
        },
        "sum" | "avg" => {
            let items = list(&first)?;
            let mut total = V::Int(0);
            for item in &items {
                number(item)?;
                total = crate::template::runtime::binary(cx, crate::template::syntax::BinOp::Add, &total, item)?;
            }
            match (name, items.len()) {
                ("sum", _) => total,
                (_, 0) => V::None,
                (_, n) => V::Float(number(&total)?.as_f64() / n as f64),
            }
        }
        "abs" => match number(&first)? {
            Num::Int(i) => V::Int(i.saturating_abs()),
            n => V::Float(n.as_f64().abs()),
        },
        "ceil" | "floor" => {
            let x = number(&first)?.as_f64();
            V::Int(if name == "ceil" { x.ceil() } else { x.floor() } as i64)
        }
        "not_null" => values.into_iter().find(|v| !matches!(v, V::None)).unwrap_or(V::None),
        "merge" => {
            let mut out = indexmap::IndexMap::new();
            for value in &values {
                let V::Dict(d) = value else { return Err(bad(name, value)) };
                out.extend(d.items(cx));
            }
            V::dict(out)
        }
        "type" => V::str(match &first {
            V::Str(_) => "string",
            V::Bool(_) => "boolean",
            V::List(_) | V::Tuple(_) => "array",
            V::Dict(_) => "object",
            V::None => "null",
            _ => "number",
        }),
        "to_string" => match &first {
            V::Str(_) => first,
            other => {
                let style = super::json::JsonStyle {
                    separators: Some((",".to_owned(), ":".to_owned())),
                    ..super::json::JsonStyle::default()
                };
                V::str(super::json::to_json(cx, other, &style)?)
            }
        },
        "to_number" => match &first {
            V::Int(_) | V::Float(_) | V::Big(_) => first,
            V::Str(t) => match (t.parse::<i64>(), t.parse::<f64>()) {
                (Ok(i), _) => V::Int(i),
                (_, Ok(f)) => V::Float(f),
                _ => V::None,
            },
            _ => V::None,
        },
        "to_array" => match &first {
            V::List(_) | V::Tuple(_) => first,
            _ => V::list(vec![first]),
        },
        other => {
            return Err(Fault::raw(format!("JMESPathError in json_query filter plugin:\nUnknown function: {other}()")));
        }
    })
}
