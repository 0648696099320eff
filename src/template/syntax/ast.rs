//! The tree of a template. Offsets are bytes of the source that was parsed.

use crate::template::runtime::V;
use std::sync::Arc;

pub struct Expr {
    pub kind: ExprKind,
    pub start: u32,
    pub end: u32,
}

pub enum ExprKind {
    Name(Arc<str>),
    Const(V),
    /// A constant text with template delimiters in it: conditions render it, lookups render it as a term.
    ConstTemplate(Arc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    /// test, then, else
    If(Box<(Expr, Expr, Option<Expr>)>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Pos(Box<Expr>),
    Binary(BinOp, Box<(Expr, Expr)>),
    Concat(Vec<Expr>),
    Compare(Box<Expr>, Vec<(CmpOp, Expr)>),
    Attr(Box<Expr>, Arc<str>),
    Item(Box<(Expr, Expr)>),
    /// of, from, to, step
    Slice(Box<(Expr, Bound, Bound, Bound)>),
    Call(Box<Expr>, Box<CallArgs>),
    /// The value is absent in filter blocks, where it is the block's text.
    Filter(Option<Box<Expr>>, Arc<str>, Box<CallArgs>),
    Test(Box<Expr>, Arc<str>, Box<CallArgs>),
}

/// A bound of a slice.
pub type Bound = Option<Expr>;

#[derive(Default)]
pub struct CallArgs {
    pub pos: Vec<Expr>,
    pub named: Vec<(Arc<str>, Expr)>,
    pub star: Option<Expr>,
    pub star_star: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

impl BinOp {
    pub fn sign(self) -> &'static str {
        match self {
            BinOp::Add => "+",
            BinOp::Sub => "-",
            BinOp::Mul => "*",
            BinOp::Div => "/",
            BinOp::FloorDiv => "//",
            BinOp::Mod => "%",
            BinOp::Pow => "** or pow()",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmpOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

/// What `set`, `for` and `with` assign to.
pub enum Target {
    Name(Arc<str>),
    /// `namespace.attribute`
    Attr(Arc<str>, Arc<str>),
    Tuple(Vec<Target>),
}

pub enum Stmt {
    Text(Arc<str>),
    Output(Vec<Expr>),
    For(Arc<For>),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    With(Vec<(Target, Expr)>, Vec<Stmt>),
    Set(Target, Expr),
    SetBlock(Target, Option<Expr>, Vec<Stmt>),
    FilterBlock(Expr, Vec<Stmt>),
    Scope(Vec<Stmt>),
    Block(Arc<str>, bool),
    Extends(Expr),
    Include { name: Expr, ignore_missing: bool, with_context: bool },
    Import { name: Expr, target: Arc<str>, with_context: bool },
    FromImport { name: Expr, names: Vec<(Arc<str>, Arc<str>)>, with_context: bool },
    Macro(Arc<Macro>),
    Call { call: Expr, body: Arc<Macro> },
    Do(Expr),
    Break,
    Continue,
}

pub struct For {
    pub target: Target,
    pub iter: Expr,
    pub test: Option<Expr>,
    pub recursive: bool,
    pub body: Vec<Stmt>,
    pub otherwise: Vec<Stmt>,
}

pub struct Macro {
    pub name: Arc<str>,
    pub params: Vec<(Arc<str>, Option<Expr>)>,
    pub body: Vec<Stmt>,
    /// Whether the body names `varargs`, `kwargs`, `caller`: only then may a call give surplus arguments.
    pub varargs: bool,
    pub kwargs: bool,
    pub caller: bool,
}

pub struct Block {
    pub name: Arc<str>,
    pub required: bool,
    pub body: Vec<Stmt>,
}

/// A parsed template.
pub struct Template {
    pub body: Vec<Stmt>,
    pub blocks: Vec<Arc<Block>>,
}
