//! Expressions: tokens → tree, with Jinja2's precedence.

use super::lexer::Tok;
use super::*;
use crate::template::runtime::V;
use crate::value::Text;
use num_bigint::BigInt;

impl Parser {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(Self::conditional)
    }
    fn node(&self, start: u32, kind: ExprKind) -> Expr {
        Expr { kind, start, end: self.end() }
    }
    fn conditional(&mut self) -> Parsed<Expr> {
        let start = self.start();
        let mut expr = self.or()?;
        let mut chain = 0;
        while self.skip_name("if") {
            self.link(&mut chain)?;
            let test = self.or()?;
            let otherwise = if self.skip_name("else") { Some(self.deeper(Self::conditional)?) } else { None };
            expr = self.node(start, ExprKind::If(Box::new((test, expr, otherwise))));
        }
        Ok(expr)
    }
    pub(super) fn or(&mut self) -> Parsed<Expr> {
        let start = self.start();
        let mut left = self.and()?;
        let mut chain = 0;
        while self.skip_name("or") {
            self.link(&mut chain)?;
            let right = self.and()?;
            left = self.node(start, ExprKind::Or(Box::new((left, right))));
        }
        Ok(left)
    }
    fn and(&mut self) -> Parsed<Expr> {
        let start = self.start();
        let mut left = self.not()?;
        let mut chain = 0;
        while self.skip_name("and") {
            self.link(&mut chain)?;
            let right = self.not()?;
            left = self.node(start, ExprKind::And(Box::new((left, right))));
        }
        Ok(left)
    }
    fn not(&mut self) -> Parsed<Expr> {
        let start = self.start();
        if self.skip_name("not") {
            let inner = self.deeper(Self::not)?;
            return Ok(self.node(start, ExprKind::Not(Box::new(inner))));
        }
        self.compare()
    }
    fn compare(&mut self) -> Parsed<Expr> {
        let start = self.start();
        let first = self.sum()?;
        let mut rest = vec![];
        loop {
            let op = match self.peek() {
                Tok::Op("==") => CmpOp::Eq,
                Tok::Op("!=") => CmpOp::Ne,
                Tok::Op("<") => CmpOp::Lt,
                Tok::Op("<=") => CmpOp::Le,
                Tok::Op(">") => CmpOp::Gt,
                Tok::Op(">=") => CmpOp::Ge,
                Tok::Name(n) if &**n == "in" => CmpOp::In,
                Tok::Name(n) if &**n == "not" && matches!(self.look(), Tok::Name(n) if &**n == "in") => {
                    self.next();
                    CmpOp::NotIn
                }
                _ => break,
            };
            self.next();
            rest.push((op, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { self.node(start, ExprKind::Compare(Box::new(first), rest)) })
    }
    fn binary(&mut self, next: fn(&mut Self) -> Parsed<Expr>, ops: &[(&'static str, BinOp)]) -> Parsed<Expr> {
        let start = self.start();
        let mut left = next(self)?;
        let mut chain = 0;
        while let Some((_, op)) = ops.iter().find(|(sign, _)| self.is_op(sign)) {
            self.link(&mut chain)?;
            self.next();
            let right = next(self)?;
            left = self.node(start, ExprKind::Binary(*op, Box::new((left, right))));
        }
        Ok(left)
    }
    fn sum(&mut self) -> Parsed<Expr> {
        self.binary(Self::concat, &[("+", BinOp::Add), ("-", BinOp::Sub)])
    }
    fn concat(&mut self) -> Parsed<Expr> {
        let start = self.start();
        let first = self.product()?;
        if !self.is_op("~") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip_op("~") {
            parts.push(self.product()?);
        }
        Ok(self.node(start, ExprKind::Concat(parts)))
    }
    fn product(&mut self) -> Parsed<Expr> {
        self.binary(Self::power, &[("*", BinOp::Mul), ("//", BinOp::FloorDiv), ("/", BinOp::Div), ("%", BinOp::Mod)])
    }
    fn power(&mut self) -> Parsed<Expr> {
        self.binary(|p| p.unary(true), &[("**", BinOp::Pow)])
    }
    fn unary(&mut self, filters: bool) -> Parsed<Expr> {
        let start = self.start();
        let mut node = if self.skip_op("-") {
            let inner = self.deeper(|p| p.unary(false))?;
            self.node(start, ExprKind::Neg(Box::new(inner)))
        } else if self.skip_op("+") {
            let inner = self.deeper(|p| p.unary(false))?;
            self.node(start, ExprKind::Pos(Box::new(inner)))
        } else {
            self.primary()?
        };
        node = self.postfix(node, start)?;
        if filters { self.filters(node, start) } else { Ok(node) }
    }
    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        let start = self.start();
        let kind = match self.peek().clone() {
            Tok::Name(name) => {
                self.next();
                match &*name {
                    "true" | "True" => ExprKind::Const(V::Bool(true)),
                    "false" | "False" => ExprKind::Const(V::Bool(false)),
                    "none" | "None" => ExprKind::Const(V::None),
                    _ => ExprKind::Name(name),
                }
            }
            Tok::Str(first) => {
                self.next();
                let mut text = first;
                while let Tok::Str(more) = self.peek().clone() {
                    self.next();
                    text = format!("{text}{more}").into();
                }
                let template = text.starts_with("#jinja2:") || ["{{", "{%", "{#"].iter().any(|d| text.contains(d));
                if template { ExprKind::ConstTemplate(text) } else { ExprKind::Const(V::Str(Text::foreign(text))) }
            }
            Tok::Int(digits) => {
                self.next();
                ExprKind::Const(self.integer(&digits)?)
            }
            Tok::Float(f) => {
                self.next();
                ExprKind::Const(V::Float(f))
            }
            Tok::Op("(") => {
                self.next();
                let inner = self.tuple(false, true, &[], true)?;
                self.expect_op(")")?;
                return Ok(inner);
            }
            Tok::Op("[") => {
                self.next();
                let mut items = vec![];
                while !self.is_op("]") {
                    if !items.is_empty() {
                        self.expect_op(",")?;
                    }
                    if self.is_op("]") {
                        break;
                    }
                    items.push(self.expression()?);
                }
                self.expect_op("]")?;
                ExprKind::List(items)
            }
            Tok::Op("{") => {
                self.next();
                let mut items = vec![];
                while !self.is_op("}") {
                    if !items.is_empty() {
                        self.expect_op(",")?;
                    }
                    if self.is_op("}") {
                        break;
                    }
                    let key = self.expression()?;
                    self.expect_op(":")?;
                    items.push((key, self.expression()?));
                }
                self.expect_op("}")?;
                ExprKind::Dict(items)
            }
            other => return self.fail(format!("unexpected {}", crate::value::repr_str(&other.describe()))),
        };
        Ok(self.node(start, kind))
    }
    fn integer(&self, digits: &str) -> Parsed<V> {
        let (radix, body) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => (16, &digits[2..]),
            Some("0o") => (8, &digits[2..]),
            Some("0b") => (2, &digits[2..]),
            _ => (10, digits),
        };
        match i64::from_str_radix(body, radix) {
            Ok(i) => Ok(V::Int(i)),
            Err(_) => match BigInt::parse_bytes(body.as_bytes(), radix) {
                Some(big) => Ok(V::big(big)),
                None => self.fail("invalid number"),
            },
        }
    }
    /// An expression or, with commas, a tuple. `end` names words that end it.
    pub(super) fn tuple(&mut self, simple: bool, conditions: bool, end: &[&str], parens: bool) -> Parsed<Expr> {
        let start = self.start();
        let mut items: Vec<Expr> = vec![];
        let mut is_tuple = false;
        loop {
            if !items.is_empty() {
                self.expect_op(",")?;
            }
            let done = matches!(self.peek(), Tok::VarEnd | Tok::BlockEnd | Tok::Op(")"))
                || (!end.is_empty() && end.iter().any(|n| self.is_name(n)));
            if done {
                break;
            }
            items.push(if simple {
                self.primary()?
            } else if conditions {
                self.expression()?
            } else {
                self.deeper(Self::or)?
            });
            if self.is_op(",") {
                is_tuple = true;
            } else {
                break;
            }
        }
        if !is_tuple {
            if let Some(only) = items.pop() {
                return Ok(only);
            }
            if !parens {
                return self
                    .fail(format!("Expected an expression, got {}", crate::value::repr_str(&self.peek().describe())));
            }
        }
        Ok(self.node(start, ExprKind::Tuple(items)))
    }
    fn postfix(&mut self, mut node: Expr, start: u32) -> Parsed<Expr> {
        let mut chain = 0;
        loop {
            self.link(&mut chain)?;
            node = match self.peek() {
                Tok::Op(".") | Tok::Op("[") => self.subscript(node, start)?,
                Tok::Op("(") => {
                    let args = self.call_args()?;
                    self.node(start, ExprKind::Call(Box::new(node), Box::new(args)))
                }
                _ => return Ok(node),
            };
        }
    }
    fn filters(&mut self, mut node: Expr, start: u32) -> Parsed<Expr> {
        let mut chain = 0;
        loop {
            self.link(&mut chain)?;
            node = match self.peek() {
                Tok::Op("|") => {
                    self.next();
                    let (name, args) = self.filter_call()?;
                    self.node(start, ExprKind::Filter(Some(Box::new(node)), name, Box::new(args)))
                }
                Tok::Name(n) if &**n == "is" => self.test(node, start)?,
                Tok::Op("(") => {
                    let args = self.call_args()?;
                    self.node(start, ExprKind::Call(Box::new(node), Box::new(args)))
                }
                _ => return Ok(node),
            };
        }
    }
    fn dotted(&mut self) -> Parsed<Arc<str>> {
        let mut name = self.name()?;
        while self.skip_op(".") {
            name = format!("{name}.{}", self.name()?).into();
        }
        Ok(name)
    }
    fn filter_call(&mut self) -> Parsed<(Arc<str>, CallArgs)> {
        let name = self.dotted()?;
        let args = if self.is_op("(") { self.call_args()? } else { CallArgs::default() };
        Ok((name, args))
    }
    /// A chain of filters without a value: `upper | indent(2)`, for `filter` and `set` blocks.
    pub(super) fn filter_chain(&mut self) -> Parsed<Expr> {
        let start = self.start();
        let (name, args) = self.filter_call()?;
        let mut node = self.node(start, ExprKind::Filter(None, name, Box::new(args)));
        let mut chain = 0;
        while self.skip_op("|") {
            self.link(&mut chain)?;
            let (name, args) = self.filter_call()?;
            node = self.node(start, ExprKind::Filter(Some(Box::new(node)), name, Box::new(args)));
        }
        Ok(node)
    }
    fn test(&mut self, value: Expr, start: u32) -> Parsed<Expr> {
        self.next();
        let negated = self.skip_name("not");
        let name = self.dotted()?;
        let mut args = CallArgs::default();
        if self.is_op("(") {
            args = self.call_args()?;
        } else {
            let argument = match self.peek() {
                Tok::Name(n) => !matches!(&**n, "else" | "or" | "and"),
                Tok::Str(_) | Tok::Int(_) | Tok::Float(_) | Tok::Op("[") | Tok::Op("{") => true,
                _ => false,
            };
            if argument {
                if self.is_name("is") {
                    return self.fail("You cannot chain multiple tests with is");
                }
                let at = self.start();
                let node = self.primary()?;
                args.pos.push(self.postfix(node, at)?);
            }
        }
        let node = self.node(start, ExprKind::Test(Box::new(value), name, Box::new(args)));
        Ok(if negated { self.node(start, ExprKind::Not(Box::new(node))) } else { node })
    }
    fn subscript(&mut self, node: Expr, start: u32) -> Parsed<Expr> {
        if self.skip_op(".") {
            return match self.peek().clone() {
                Tok::Name(name) => {
                    self.next();
                    Ok(self.node(start, ExprKind::Attr(Box::new(node), name)))
                }
                Tok::Int(digits) => {
                    let at = self.start();
                    self.next();
                    let index = self.integer(&digits)?;
                    let index = self.node(at, ExprKind::Const(index));
                    Ok(self.node(start, ExprKind::Item(Box::new((node, index)))))
                }
                _ => self.fail("expected name or number"),
            };
        }
        self.expect_op("[")?;
        let at = self.start();
        let mut args = vec![];
        let mut slice = None;
        while !self.is_op("]") {
            if !args.is_empty() {
                self.expect_op(",")?;
            }
            let first = if self.is_op(":") { None } else { Some(self.expression()?) };
            if self.skip_op(":") {
                let part = |p: &mut Self| -> Parsed<Option<Expr>> {
                    if p.is_op(":") || p.is_op("]") || p.is_op(",") { Ok(None) } else { p.expression().map(Some) }
                };
                let second = part(self)?;
                let third = if self.skip_op(":") { part(self)? } else { None };
                slice = Some((first, second, third));
                break;
            }
            args.extend(first);
        }
        self.expect_op("]")?;
        if let Some((a, b, c)) = slice {
            return Ok(self.node(start, ExprKind::Slice(Box::new((node, a, b, c)))));
        }
        let index = match args.pop() {
            Some(only) if args.is_empty() => only,
            Some(last) => {
                args.push(last);
                self.node(at, ExprKind::Tuple(args))
            }
            None => self.node(at, ExprKind::Tuple(vec![])),
        };
        Ok(self.node(start, ExprKind::Item(Box::new((node, index)))))
    }
    pub(super) fn call_args(&mut self) -> Parsed<CallArgs> {
        self.expect_op("(")?;
        let mut args = CallArgs::default();
        let mut first = true;
        while !self.is_op(")") {
            if !first {
                self.expect_op(",")?;
                if self.is_op(")") {
                    break;
                }
            }
            first = false;
            let bad = "invalid syntax for function call expression";
            if self.skip_op("*") {
                if args.star.is_some() || args.star_star.is_some() {
                    return self.fail(bad);
                }
                args.star = Some(self.expression()?);
            } else if self.skip_op("**") {
                if args.star_star.is_some() {
                    return self.fail(bad);
                }
                args.star_star = Some(self.expression()?);
            } else if matches!(self.peek(), Tok::Name(_)) && matches!(self.look(), Tok::Op("=")) {
                if args.star_star.is_some() {
                    return self.fail(bad);
                }
                let name = self.name()?;
                self.next();
                args.named.push((name, self.expression()?));
            } else {
                if args.star.is_some() || args.star_star.is_some() || !args.named.is_empty() {
                    return self.fail(bad);
                }
                args.pos.push(self.expression()?);
            }
        }
        self.expect_op(")")?;
        Ok(args)
    }
}
