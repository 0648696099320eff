//! Statements: the tags between `{%` and `%}`.

use super::lexer::Tok;
use super::*;

impl Parser {
    pub(super) fn template(mut self) -> Parsed<Template> {
        let body = self.statements(&[])?;
        Ok(Template { body, blocks: self.blocks })
    }
    /// Statements up to a tag whose name is one of `until`; that name is left to be read.
    fn statements(&mut self, until: &'static [&'static str]) -> Parsed<Vec<Stmt>> {
        let mut out = vec![];
        if !until.is_empty() {
            self.open.push(until);
        }
        loop {
            match self.peek().clone() {
                Tok::Data(text) => {
                    self.next();
                    out.push(Stmt::Text(text));
                }
                Tok::VarBegin => {
                    self.next();
                    let expr = self.deeper(|p| p.tuple(false, true, &[], false))?;
                    if *self.peek() != Tok::VarEnd {
                        return self.expected("end of print statement");
                    }
                    self.next();
                    out.push(Stmt::Output(vec![expr]));
                }
                Tok::BlockBegin => {
                    self.next();
                    if let Tok::Name(name) = self.peek()
                        && until.contains(&&**name)
                    {
                        self.open.pop();
                        return Ok(out);
                    }
                    let stmt = self.deeper(Self::statement)?;
                    out.extend(stmt);
                    self.block_end()?;
                }
                Tok::Eof if until.is_empty() => return Ok(out),
                Tok::Eof => return self.fail(self.unclosed("Unexpected end of template.")),
                other => return self.fail(format!("unexpected '{}'", other.describe())),
            }
        }
    }
    fn unclosed(&self, what: &str) -> String {
        let mut message = what.to_owned();
        if let Some(names) = self.open.last() {
            let list: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
            message += &format!(" Jinja was looking for the following tags: {}.", list.join(" or "));
            if let Some(tag) = names.iter().find_map(|n| n.strip_prefix("end")) {
                message += &format!(" The innermost block that needs to be closed is '{tag}'.");
            }
        }
        message
    }
    fn block_end(&mut self) -> Parsed<()> {
        if *self.peek() == Tok::BlockEnd {
            self.next();
            return Ok(());
        }
        self.expected("end of statement block")
    }
    /// `%}`, statements, `{% END`.
    fn body(&mut self, until: &'static [&'static str]) -> Parsed<Vec<Stmt>> {
        self.skip_op(":");
        self.block_end()?;
        self.statements(until)
    }
    /// A body that only one tag ends.
    fn whole_body(&mut self, until: &'static [&'static str]) -> Parsed<Vec<Stmt>> {
        let body = self.body(until)?;
        self.next();
        Ok(body)
    }
    fn statement(&mut self) -> Parsed<Option<Stmt>> {
        let Tok::Name(tag) = self.peek().clone() else {
            return self.fail("tag name expected");
        };
        self.next();
        Ok(Some(match &*tag {
            "for" => self.for_loop()?,
            "if" => self.if_block()?,
            "set" => self.set()?,
            "with" => self.with()?,
            "macro" => {
                let name = self.name()?;
                let params = self.signature()?;
                let body = self.whole_body(&["endmacro"])?;
                Stmt::Macro(Arc::new(finish_macro(name, params, body)))
            }
            "call" => {
                let params = if self.is_op("(") { self.signature()? } else { vec![] };
                let call = self.expression()?;
                if !matches!(call.kind, ExprKind::Call(..)) {
                    return self.fail("expected call");
                }
                let body = self.whole_body(&["endcall"])?;
                Stmt::Call { call, body: Arc::new(finish_macro("caller".into(), params, body)) }
            }
            "filter" => {
                let chain = self.filter_chain()?;
                Stmt::FilterBlock(chain, self.whole_body(&["endfilter"])?)
            }
            "block" => self.block()?,
            "extends" => Stmt::Extends(self.expression()?),
            "include" => {
                let name = self.expression()?;
                let ignore_missing = self.is_name("ignore") && matches!(self.look(), Tok::Name(n) if &**n == "missing");
                if ignore_missing {
                    self.next();
                    self.next();
                }
                let with_context = self.import_context(true);
                Stmt::Include { name, ignore_missing, with_context }
            }
            "import" => {
                let name = self.expression()?;
                self.expect_name("as")?;
                let target = self.name()?;
                Stmt::Import { name, target, with_context: self.import_context(false) }
            }
            "from" => self.import_names()?,
            "do" if self.do_tag => Stmt::Do(self.tuple(false, true, &[], false)?),
            "print" => {
                let mut all = vec![];
                while *self.peek() != Tok::BlockEnd {
                    if !all.is_empty() {
                        self.expect_op(",")?;
                    }
                    all.push(self.expression()?);
                }
                Stmt::Output(all)
            }
            "break" if self.loop_controls => Stmt::Break,
            "continue" if self.loop_controls => Stmt::Continue,
            "autoescape" => {
                self.expression()?;
                Stmt::Scope(self.whole_body(&["endautoescape"])?)
            }
            other => {
                return self.fail(self.unclosed(&format!("Encountered unknown tag '{other}'.")));
            }
        }))
    }
    fn for_loop(&mut self) -> Parsed<Stmt> {
        let target = self.target(&["in"])?;
        self.expect_name("in")?;
        let iter = self.tuple(false, false, &["recursive"], false)?;
        let test = if self.skip_name("if") { Some(self.expression()?) } else { None };
        let recursive = self.skip_name("recursive");
        let body = self.body(&["endfor", "else"])?;
        let otherwise = if self.skip_name("else") {
            self.whole_body(&["endfor"])?
        } else {
            self.next();
            vec![]
        };
        Ok(Stmt::For(Arc::new(For { target, iter, test, recursive, body, otherwise })))
    }
    fn if_block(&mut self) -> Parsed<Stmt> {
        let test = self.tuple(false, false, &[], false)?;
        let body = self.body(&["elif", "else", "endif"])?;
        let otherwise = if self.skip_name("elif") {
            vec![self.deeper(Self::if_block)?]
        } else if self.skip_name("else") {
            self.whole_body(&["endif"])?
        } else {
            self.next();
            vec![]
        };
        Ok(Stmt::If(test, body, otherwise))
    }
    fn set(&mut self) -> Parsed<Stmt> {
        let target = match (self.peek().clone(), self.look()) {
            (Tok::Name(name), Tok::Op(".")) => {
                self.next();
                self.next();
                Target::Attr(name, self.name()?)
            }
            _ => self.target(&[])?,
        };
        if self.skip_op("=") {
            let value = self.tuple(false, true, &[], false)?;
            return Ok(Stmt::Set(target, value));
        }
        let filter = if self.skip_op("|") { Some(self.filter_chain()?) } else { None };
        Ok(Stmt::SetBlock(target, filter, self.whole_body(&["endset"])?))
    }
    fn with(&mut self) -> Parsed<Stmt> {
        let mut all = vec![];
        while *self.peek() != Tok::BlockEnd {
            if !all.is_empty() {
                self.expect_op(",")?;
            }
            let target = self.target(&[])?;
            self.expect_op("=")?;
            all.push((target, self.expression()?));
        }
        Ok(Stmt::With(all, self.whole_body(&["endwith"])?))
    }
    fn target(&mut self, end: &[&str]) -> Parsed<Target> {
        let expr = self.tuple(true, false, end, false)?;
        self.as_target(expr)
    }
    fn as_target(&self, expr: Expr) -> Parsed<Target> {
        match expr.kind {
            ExprKind::Name(name) => Ok(Target::Name(name)),
            ExprKind::Tuple(items) => {
                items.into_iter().map(|i| self.as_target(i)).collect::<Parsed<_>>().map(Target::Tuple)
            }
            _ => self.fail("can't assign to this"),
        }
    }
    fn signature(&mut self) -> Parsed<Vec<(Arc<str>, Option<Expr>)>> {
        self.expect_op("(")?;
        let mut params: Vec<(Arc<str>, Option<Expr>)> = vec![];
        while !self.is_op(")") {
            if !params.is_empty() {
                self.expect_op(",")?;
                if self.is_op(")") {
                    break;
                }
            }
            let name = self.name()?;
            let default = if self.skip_op("=") { Some(self.expression()?) } else { None };
            if default.is_none() && params.last().is_some_and(|p| p.1.is_some()) {
                return self.fail("non-default argument follows default argument");
            }
            params.push((name, default));
        }
        self.expect_op(")")?;
        Ok(params)
    }
    fn block(&mut self) -> Parsed<Stmt> {
        let name = self.name()?;
        let scoped = self.skip_name("scoped");
        let required = self.skip_name("required");
        let body = self.whole_body(&["endblock"])?;
        self.skip_name(&name);
        if self.blocks.iter().any(|b| b.name == name) {
            return self.fail(format!("block '{name}' defined twice"));
        }
        self.blocks.push(Arc::new(Block { name: name.clone(), required, body }));
        Ok(Stmt::Block(name, scoped))
    }
    fn import_context(&mut self, default: bool) -> bool {
        let with = self.is_name("with");
        if (with || self.is_name("without")) && matches!(self.look(), Tok::Name(n) if &**n == "context") {
            self.next();
            self.next();
            return with;
        }
        default
    }
    fn import_names(&mut self) -> Parsed<Stmt> {
        let name = self.expression()?;
        self.expect_name("import")?;
        let mut names = vec![];
        let mut with_context = None;
        loop {
            if !names.is_empty() && !self.skip_op(",") {
                break;
            }
            let starts_context = (self.is_name("with") || self.is_name("without"))
                && matches!(self.look(), Tok::Name(n) if &**n == "context");
            if starts_context || *self.peek() == Tok::BlockEnd {
                break;
            }
            let from = self.name()?;
            if from.starts_with('_') {
                return self.fail("names starting with an underline can not be imported");
            }
            let to = if self.skip_name("as") { self.name()? } else { from.clone() };
            names.push((from, to));
        }
        if *self.peek() != Tok::BlockEnd {
            with_context = Some(self.import_context(false));
        }
        Ok(Stmt::FromImport { name, names, with_context: with_context.unwrap_or(false) })
    }
}

fn finish_macro(name: Arc<str>, params: Vec<(Arc<str>, Option<Expr>)>, body: Vec<Stmt>) -> Macro {
    let uses = |what: &str| uses::in_body(&body, what);
    let (varargs, kwargs, caller) = (uses("varargs"), uses("kwargs"), uses("caller"));
    Macro { name, params, body, varargs, kwargs, caller }
}

/// Whether a body names something.
mod uses {
    use super::*;

    pub fn in_body(body: &[Stmt], name: &str) -> bool {
        body.iter().any(|s| in_stmt(s, name))
    }
    fn in_stmt(stmt: &Stmt, n: &str) -> bool {
        match stmt {
            Stmt::Text(_) | Stmt::Break | Stmt::Continue | Stmt::Block(..) | Stmt::Macro(_) => false,
            Stmt::Output(all) => all.iter().any(|e| in_expr(e, n)),
            Stmt::For(f) => {
                in_expr(&f.iter, n)
                    || f.test.as_ref().is_some_and(|e| in_expr(e, n))
                    || in_body(&f.body, n)
                    || in_body(&f.otherwise, n)
            }
            Stmt::If(e, a, b) => in_expr(e, n) || in_body(a, n) || in_body(b, n),
            Stmt::With(all, body) => all.iter().any(|(_, e)| in_expr(e, n)) || in_body(body, n),
            Stmt::Set(_, e) | Stmt::Do(e) | Stmt::Extends(e) => in_expr(e, n),
            Stmt::SetBlock(_, f, body) => f.as_ref().is_some_and(|e| in_expr(e, n)) || in_body(body, n),
            Stmt::FilterBlock(e, body) => in_expr(e, n) || in_body(body, n),
            Stmt::Scope(body) => in_body(body, n),
            Stmt::Include { name, .. } | Stmt::Import { name, .. } | Stmt::FromImport { name, .. } => in_expr(name, n),
            Stmt::Call { call, body } => in_expr(call, n) || in_body(&body.body, n),
        }
    }
    fn in_args(args: &CallArgs, n: &str) -> bool {
        args.pos.iter().any(|e| in_expr(e, n))
            || args.named.iter().any(|(_, e)| in_expr(e, n))
            || args.star.as_ref().is_some_and(|e| in_expr(e, n))
            || args.star_star.as_ref().is_some_and(|e| in_expr(e, n))
    }
    fn in_expr(expr: &Expr, n: &str) -> bool {
        let opt = |e: &Option<Expr>| e.as_ref().is_some_and(|e| in_expr(e, n));
        match &expr.kind {
            ExprKind::Name(name) => &**name == n,
            ExprKind::Const(_) | ExprKind::ConstTemplate(_) => false,
            ExprKind::List(all) | ExprKind::Tuple(all) | ExprKind::Concat(all) => all.iter().any(|e| in_expr(e, n)),
            ExprKind::Dict(all) => all.iter().any(|(a, b)| in_expr(a, n) || in_expr(b, n)),
            ExprKind::If(b) => in_expr(&b.0, n) || in_expr(&b.1, n) || opt(&b.2),
            ExprKind::And(b) | ExprKind::Or(b) | ExprKind::Binary(_, b) | ExprKind::Item(b) => {
                in_expr(&b.0, n) || in_expr(&b.1, n)
            }
            ExprKind::Not(e) | ExprKind::Neg(e) | ExprKind::Pos(e) | ExprKind::Attr(e, _) => in_expr(e, n),
            ExprKind::Compare(e, rest) => in_expr(e, n) || rest.iter().any(|(_, e)| in_expr(e, n)),
            ExprKind::Slice(b) => in_expr(&b.0, n) || opt(&b.1) || opt(&b.2) || opt(&b.3),
            ExprKind::Call(e, args) => in_expr(e, n) || in_args(args, n),
            ExprKind::Filter(e, _, args) => e.as_ref().is_some_and(|e| in_expr(e, n)) || in_args(args, n),
            ExprKind::Test(e, _, args) => in_expr(e, n) || in_args(args, n),
        }
    }
}
