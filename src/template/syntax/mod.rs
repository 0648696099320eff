//! Jinja2's syntax: text → tree. Knows nothing of values' meaning.

mod ast;
mod expression;
mod lexer;
mod statement;

pub use ast::*;
pub use lexer::Rules;

use lexer::{Tok, Token};
use std::sync::Arc;

/// Text that is not a template, in Jinja2's words.
#[derive(Clone, Debug)]
pub struct SyntaxError {
    pub message: String,
    /// In bytes of the source.
    pub offset: u32,
}

type Parsed<T> = Result<T, SyntaxError>;

/// How deep expressions and blocks may nest.
const DEPTH: usize = 100;

/// How many operators, filters or attributes may follow one another: they nest in the tree.
const CHAIN: usize = 250;

/// Parses a whole template.
pub fn parse(source: &str, rules: &Rules) -> Parsed<Template> {
    let source = normal(source);
    let mut parser = Parser::new(lexer::template(&source, rules)?);
    (parser.do_tag, parser.loop_controls) = (rules.do_tag, rules.loop_controls);
    parser.template()
}

/// Parses an expression without delimiters.
pub fn parse_expression(source: &str, rules: &Rules) -> Parsed<Expr> {
    let source = normal(source);
    let mut parser = Parser::new(lexer::expression(&source, rules)?);
    let expr = parser.expression()?;
    match parser.peek() {
        Tok::Eof => Ok(expr),
        _ => parser.fail("chunk after expression"),
    }
}

fn normal(source: &str) -> std::borrow::Cow<'_, str> {
    if source.contains('\r') { source.replace("\r\n", "\n").replace('\r', "\n").into() } else { source.into() }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Open tags, innermost last: the names that would close them, for messages.
    open: Vec<&'static [&'static str]>,
    blocks: Vec<Arc<Block>>,
    do_tag: bool,
    loop_controls: bool,
}

impl Parser {
    fn new(tokens: Vec<Token>) -> Self {
        Parser { tokens, at: 0, depth: 0, open: vec![], blocks: vec![], do_tag: false, loop_controls: false }
    }
    fn peek(&self) -> &Tok {
        &self.tokens[self.at].tok
    }
    fn look(&self) -> &Tok {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].tok
    }
    fn start(&self) -> u32 {
        self.tokens[self.at].start
    }
    /// The end of the last token taken.
    fn end(&self) -> u32 {
        self.tokens[self.at.saturating_sub(1)].end
    }
    fn next(&mut self) -> Tok {
        let tok = self.tokens[self.at].tok.clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        tok
    }
    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(SyntaxError { message: message.into(), offset: self.start() })
    }
    fn is_op(&self, op: &str) -> bool {
        matches!(self.peek(), Tok::Op(o) if *o == op)
    }
    fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Tok::Name(n) if &**n == name)
    }
    fn skip_op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        if found {
            self.next();
        }
        found
    }
    fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        if found {
            self.next();
        }
        found
    }
    fn expected<T>(&self, what: &str) -> Parsed<T> {
        if *self.peek() == Tok::Eof {
            return self.fail(format!("unexpected end of template, expected '{what}'."));
        }
        self.fail(format!("expected token '{what}', got {}", crate::value::repr_str(&self.peek().describe())))
    }
    fn expect_op(&mut self, op: &str) -> Parsed<()> {
        if self.skip_op(op) { Ok(()) } else { self.expected(op) }
    }
    fn expect_name(&mut self, name: &str) -> Parsed<()> {
        if self.skip_name(name) { Ok(()) } else { self.expected(name) }
    }
    fn name(&mut self) -> Parsed<Arc<str>> {
        match self.peek() {
            Tok::Name(_) => match self.next() {
                Tok::Name(name) => Ok(name),
                _ => self.expected("name"),
            },
            _ => self.expected("name"),
        }
    }
    /// Counts a link of a chain.
    fn link(&self, chain: &mut usize) -> Parsed<()> {
        *chain += 1;
        if *chain > CHAIN { self.fail("the expression is too long") } else { Ok(()) }
    }
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.fail("template nests too deeply");
        }
        let out = parse(self);
        self.depth -= 1;
        out
    }
}
