//! Statements: templates → pieces of output.

use super::evaluate::{eval, filter_block};
use super::frame::{Frame, Inheritance};
use super::operators::{iterate, truth};
use super::{Call, Cx, Fault, Object, Res, Scope, V, concat};
use crate::template::ErrorKind;
use crate::template::syntax::{Expr, ExprKind, For, Macro, Rules, Stmt, Target, Template};
use std::sync::{Arc, Mutex};

/// How deep macros, includes and recursive loops may nest.
const DEPTH: usize = 70;

#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
}

struct Exec<'a> {
    cx: Cx<'a>,
    out: Vec<V>,
    /// The template that this one extends: from then on only definitions count.
    parent: Option<Arc<Template>>,
}

/// Runs a whole template in the scope of `cx`.
pub fn run_template(cx: &Cx, template: &Template) -> V {
    // The usual `{{ expression }}` needs no frame.
    if let [Stmt::Output(only)] = &template.body[..]
        && let [expr] = &only[..]
    {
        return match eval(cx, expr) {
            Ok(v) => v,
            Err(fault) => V::Undef(fault),
        };
    }
    let inheritance = Arc::new(Inheritance::default());
    let frame = Frame::root(true, Some(inheritance.clone()));
    concat(cx, run_in(cx, template, &frame, &inheritance))
}

/// Runs a template and those it extends; an error is the last piece.
fn run_in(cx: &Cx, template: &Template, frame: &Arc<Frame>, inheritance: &Inheritance) -> Vec<V> {
    let mut out = vec![];
    add_blocks(inheritance, template);
    if !template.blocks.is_empty() {
        cx.run.frames.borrow_mut().push(frame.clone());
        frame.set(&"self".into(), block_names(frame, cx.scope));
    }
    let mut exec = Exec { cx: *cx, out: vec![], parent: None };
    let mut result = exec.all(frame, &template.body);
    loop {
        out.append(&mut exec.out);
        if let Err(fault) = result {
            out.push(V::Undef(fault));
            return out;
        }
        let Some(parent) = exec.parent.take() else {
            return out;
        };
        add_blocks(inheritance, &parent);
        exec = Exec { cx: *cx, out: vec![], parent: None };
        result = exec.all(frame, &parent.body);
    }
}

fn add_blocks(inheritance: &Inheritance, template: &Template) {
    let mut blocks = inheritance.blocks.lock().unwrap_or_else(|e| e.into_inner());
    for block in &template.blocks {
        blocks.entry(block.name.clone()).or_default().push(block.clone());
    }
}

/// Statements' output as one value.
pub fn execute(cx: &Cx, frame: &Arc<Frame>, body: &[Stmt]) -> Res {
    let mut exec = Exec { cx: *cx, out: vec![], parent: None };
    if let Err(fault) = exec.all(frame, body) {
        exec.out.push(V::Undef(fault));
    }
    Ok(concat(cx, exec.out))
}

fn deeper<T>(cx: &Cx, run: impl FnOnce() -> Res<T>) -> Res<T> {
    let depth = cx.run.depth.get();
    if depth >= DEPTH {
        return Err(Fault::told(ErrorKind::Recursive, "Recursive loop detected in template."));
    }
    cx.run.depth.set(depth + 1);
    let out = run();
    cx.run.depth.set(depth);
    out
}

impl Exec<'_> {
    fn eval(&self, frame: &Arc<Frame>, expr: &Expr) -> Res {
        eval(&Cx { frame: Some(frame), ..self.cx }, expr)
    }
    fn all(&mut self, frame: &Arc<Frame>, body: &[Stmt]) -> Res<Flow> {
        for stmt in body {
            let flow = self.one(frame, stmt)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }
    /// The output of a body as one value.
    fn capture(&mut self, frame: &Arc<Frame>, body: &[Stmt]) -> Res {
        let outer = std::mem::take(&mut self.out);
        let result = self.all(frame, body);
        let pieces = std::mem::replace(&mut self.out, outer);
        result?;
        Ok(concat(&self.cx, pieces))
    }
    fn one(&mut self, frame: &Arc<Frame>, stmt: &Stmt) -> Res<Flow> {
        match stmt {
            Stmt::Text(text) => {
                if self.parent.is_none() {
                    self.out.push(V::str(text.clone()));
                }
            }
            Stmt::Output(all) => {
                for expr in all {
                    if self.parent.is_none() {
                        let v = self.eval(frame, expr)?;
                        self.out.push(v);
                    }
                }
            }
            Stmt::If(test, body, otherwise) => {
                let body = if truth(&self.eval(frame, test)?)? { body } else { otherwise };
                return self.all(frame, body);
            }
            Stmt::For(each) => {
                let items = self.eval(frame, &each.iter)?;
                return self.for_loop(frame, each, items, 0);
            }
            Stmt::Set(target, expr) => {
                let value = self.eval(frame, expr)?;
                self.assign(frame, target, value)?;
            }
            Stmt::SetBlock(target, filter, body) => {
                let mut value = self.capture(&Frame::below(frame), body)?;
                if let Some(chain) = filter {
                    value = filter_block(&Cx { frame: Some(frame), ..self.cx }, chain, value)?;
                }
                self.assign(frame, target, value)?;
            }
            Stmt::FilterBlock(chain, body) => {
                let value = self.capture(&Frame::below(frame), body)?;
                let value = filter_block(&Cx { frame: Some(frame), ..self.cx }, chain, value)?;
                self.out.push(value);
            }
            Stmt::With(all, body) => {
                let inner = Frame::below(frame);
                for (target, expr) in all {
                    let value = self.eval(frame, expr)?;
                    self.assign(&inner, target, value)?;
                }
                return self.all(&inner, body);
            }
            Stmt::Scope(body) => return self.all(&Frame::below(frame), body),
            Stmt::Macro(definition) => {
                self.cx.run.frames.borrow_mut().push(frame.clone());
                let made = self.macro_object(definition, frame);
                frame.set(&definition.name, made);
            }
            Stmt::Call { call, body } => {
                let caller = self.macro_object(body, frame);
                let value = self.call_with_caller(frame, call, caller)?;
                self.out.push(value);
            }
            Stmt::Do(expr) => {
                self.eval(frame, expr)?.check()?;
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
            Stmt::Block(name, scoped) => {
                if self.parent.is_none() {
                    self.block(frame, name, *scoped)?;
                }
            }
            Stmt::Extends(expr) => {
                let name = self.eval(frame, expr)?;
                self.parent = Some(self.load(&name)?);
            }
            Stmt::Include { name, ignore_missing, with_context } => {
                let name = self.eval(frame, name)?;
                self.include(frame, &name, *ignore_missing, *with_context)?;
            }
            Stmt::Import { name, target, with_context } => {
                let name = self.eval(frame, name)?;
                let module = self.module(frame, &name, *with_context)?;
                frame.set(target, V::Obj(module));
            }
            Stmt::FromImport { name, names, with_context } => {
                let name = self.eval(frame, name)?;
                let module = self.module(frame, &name, *with_context)?;
                for (from, to) in names {
                    let value = module.names.iter().find(|(n, _)| n == from).map(|(_, v)| v.clone());
                    let value = value.unwrap_or_else(|| {
                        V::Undef(Fault::undefined(
                            format!("the template does not export the requested name '{from}'"),
                            Some(from.clone()),
                        ))
                    });
                    frame.set(to, value);
                }
            }
        }
        Ok(Flow::Next)
    }

    fn assign(&self, frame: &Arc<Frame>, target: &Target, value: V) -> Res<()> {
        match target {
            Target::Name(name) => frame.set(name, value),
            Target::Attr(of, name) => {
                let namespace = frame.get(of).unwrap_or_else(|| V::undefined(of)).trip()?;
                let done = matches!(&namespace, V::Obj(o) if o.set_attr(name, value));
                if !done {
                    return Err(Fault::raw("cannot assign attribute on non-namespace object"));
                }
            }
            Target::Tuple(targets) => {
                let values = iterate(&self.cx, &value).map_err(|f| {
                    if value.is_undef() {
                        f
                    } else {
                        Fault::raw(format!("cannot unpack non-iterable {} object", value.type_name()))
                    }
                })?;
                if values.len() > targets.len() {
                    return Err(Fault::raw(format!("too many values to unpack (expected {})", targets.len())));
                }
                if values.len() < targets.len() {
                    return Err(Fault::raw(format!(
                        "not enough values to unpack (expected {}, got {})",
                        targets.len(),
                        values.len()
                    )));
                }
                for (target, value) in targets.iter().zip(values) {
                    self.assign(frame, target, value)?;
                }
            }
        }
        Ok(())
    }

    fn for_loop(&mut self, frame: &Arc<Frame>, each: &Arc<For>, items: V, depth: usize) -> Res<Flow> {
        let mut items = iterate(&self.cx, &items)?;
        if let Some(test) = &each.test {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                let inner = Frame::below(frame);
                self.assign(&inner, &each.target, item.clone())?;
                if truth(&self.eval(&inner, test)?)? {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            return self.all(&Frame::below(frame), &each.otherwise);
        }
        let items: Arc<[V]> = items.into();
        let changed = Arc::new(Mutex::new(None));
        for (index, item) in items.iter().enumerate() {
            let inner = Frame::below(frame);
            let state = Loop {
                index,
                depth,
                items: items.clone(),
                changed: changed.clone(),
                each: each.clone(),
                frame: frame.clone(),
                scope: self.cx.scope.clone(),
            };
            inner.set(&"loop".into(), V::Obj(Arc::new(state)));
            self.assign(&inner, &each.target, item.clone())?;
            if self.all(&inner, &each.body)? == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }
    fn macro_object(&self, definition: &Arc<Macro>, frame: &Arc<Frame>) -> V {
        V::Obj(Arc::new(MacroObject {
            definition: definition.clone(),
            frame: frame.clone(),
            scope: self.cx.scope.clone(),
        }))
    }
    fn call_with_caller(&mut self, frame: &Arc<Frame>, call: &Expr, caller: V) -> Res {
        let ExprKind::Call(callee, args) = &call.kind else {
            return Err(Fault::raw("expected call"));
        };
        let function = self.eval(frame, callee)?;
        let mut given = Call::default();
        for expr in &args.pos {
            given.pos.push(self.eval(frame, expr)?);
        }
        for (name, expr) in &args.named {
            given.named.push((name.clone(), self.eval(frame, expr)?));
        }
        given.named.push(("caller".into(), caller));
        let cx = Cx { frame: Some(frame), ..self.cx };
        super::evaluate::call_value(&cx, function, given)
    }

    fn block(&mut self, frame: &Arc<Frame>, name: &Arc<str>, scoped: bool) -> Res<()> {
        let _ = scoped; // every block sees the names around it, as `scoped` ones do
        let block = BlockObject { name: name.clone(), level: 0, frame: frame.clone(), scope: self.cx.scope.clone() };
        let value = block.run(&self.cx)?;
        self.out.push(value);
        Ok(())
    }

    fn load(&self, name: &V) -> Res<Arc<Template>> {
        load(&self.cx, name)
    }
    fn include(&mut self, frame: &Arc<Frame>, name: &V, ignore_missing: bool, with_context: bool) -> Res<()> {
        let template = match self.load(name) {
            Ok(template) => template,
            Err(fault) if ignore_missing && fault.message.ends_with(NOT_FOUND) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        let inheritance = Arc::new(Inheritance::default());
        let inner = if with_context {
            Frame::include(frame, inheritance.clone())
        } else {
            Frame::root(false, Some(inheritance.clone()))
        };
        let cx = self.cx;
        let pieces = deeper(&cx, || Ok(run_in(&Cx { frame: Some(&inner), ..cx }, &template, &inner, &inheritance)))?;
        self.out.extend(pieces);
        Ok(())
    }
    fn module(&self, frame: &Arc<Frame>, name: &V, with_context: bool) -> Res<Arc<Module>> {
        let template = self.load(name)?;
        let inheritance = Arc::new(Inheritance::default());
        let inner = if with_context {
            Frame::include(frame, inheritance.clone())
        } else {
            Frame::root(false, Some(inheritance.clone()))
        };
        let cx = Cx { frame: Some(&inner), ..self.cx };
        let pieces = deeper(&cx, || Ok(run_in(&cx, &template, &inner, &inheritance)))?;
        let body = concat(&cx, pieces).trip()?;
        Ok(Arc::new(Module { names: inner.own(), body }))
    }
}

const NOT_FOUND: &str = "is not found";

/// A template by name, or the first of a list of names that is there.
fn load(cx: &Cx, name: &V) -> Res<Arc<Template>> {
    let names = match name {
        V::Str(t) => vec![t.as_str().to_owned()],
        other => iterate(cx, other)?.iter().map(|v| super::text(cx, v)).collect::<Res<Vec<_>>>()?,
    };
    let include = cx.run.include.borrow();
    for name in &names {
        for directory in include.directories.iter().chain([&cx.context.playbook_dir]) {
            let path = directory.join(name);
            let files = cx.engine.outside.files();
            if name.split('/').any(|part| part == "..") || !files.is_file(&path) {
                continue;
            }
            let source = files
                .read_text(&path)
                .map_err(|e| Fault::told(ErrorKind::Failed, format!("{}: {e}", path.display())))?;
            let rules = Rules {
                plain_backslashes: false,
                ..include.rules.clone().unwrap_or_else(|| cx.engine.rules().clone())
            };
            let compiled = cx.engine.compile(&source.into(), &rules);
            return match &*compiled {
                Ok(template) => Ok(template.clone()),
                Err(error) => Err(Fault::told(ErrorKind::Syntax, format!("{}: {}", path.display(), error.message))),
            };
        }
    }
    let list: Vec<String> = names.iter().map(|n| crate::value::repr_str(n)).collect();
    Err(Fault::raw(format!("the template {} {NOT_FOUND}", list.join(", "))))
}

struct MacroObject {
    definition: Arc<Macro>,
    frame: Arc<Frame>,
    scope: Arc<Scope>,
}

impl Object for MacroObject {
    fn type_name(&self) -> &str {
        "Macro"
    }
    fn repr(&self, _: &Cx) -> Res<String> {
        Ok(format!("<Macro {}>", crate::value::repr_str(&self.definition.name)))
    }
    fn callable(&self) -> bool {
        true
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        Ok(Some(match name {
            "name" => V::str(self.definition.name.clone()),
            "arguments" => V::tuple(self.definition.params.iter().map(|p| V::str(p.0.clone())).collect()),
            "catch_varargs" => V::Bool(self.definition.varargs),
            "catch_kwargs" => V::Bool(self.definition.kwargs),
            "caller" => V::Bool(self.definition.caller),
            _ => return Ok(None),
        }))
    }
    fn call(&self, cx: &Cx, call: Call) -> Res {
        let definition = &self.definition;
        let frame = Frame::below(&self.frame);
        let inner = Cx { frame: Some(&frame), scope: &self.scope, ..*cx };
        let mut named = call.named;
        let mut take = |name: &str| named.iter().position(|(n, _)| &**n == name).map(|i| named.remove(i).1);
        let caller = if definition.caller { take("caller") } else { None };
        let given = call.pos.len();
        let mut positional = call.pos.into_iter();
        for (name, default) in &definition.params {
            let value = match positional.next() {
                Some(v) => v,
                None => match (take(name), default) {
                    (Some(v), _) => v,
                    (None, Some(default)) => eval(&inner, default)?,
                    (None, None) => {
                        V::Undef(Fault::undefined(format!("parameter '{name}' was not provided"), Some(name.clone())))
                    }
                },
            };
            frame.set(name, value);
        }
        let rest: Vec<V> = positional.collect();
        if definition.varargs {
            frame.set(&"varargs".into(), V::tuple(rest));
        } else if !rest.is_empty() {
            let most = definition.params.len();
            let _ = given;
            return Err(Fault::raw(format!("macro '{}' takes not more than {most} argument(s)", definition.name)));
        }
        if definition.kwargs {
            frame.set(&"kwargs".into(), V::dict(named.into_iter().map(|(n, v)| (n.into(), v))));
        } else if let Some((name, _)) = named.first() {
            return Err(Fault::raw(format!("macro '{}' takes no keyword argument '{name}'", definition.name)));
        }
        if definition.caller {
            let caller =
                caller.unwrap_or_else(|| V::Undef(Fault::undefined("No caller defined", Some("caller".into()))));
            frame.set(&"caller".into(), caller);
        }
        deeper(cx, || execute(&inner, &frame, &definition.body))
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// `self`: the blocks by name.
fn block_names(frame: &Arc<Frame>, scope: &Arc<Scope>) -> V {
    let names: Vec<Arc<str>> = frame
        .inheritance
        .as_ref()
        .map_or_else(Vec::new, |i| i.blocks.lock().unwrap_or_else(|e| e.into_inner()).keys().cloned().collect());
    V::dict(names.into_iter().map(|name| {
        let block = BlockObject { name: name.clone(), level: 0, frame: frame.clone(), scope: scope.clone() };
        (name.into(), V::Obj(Arc::new(block) as Arc<dyn Object>))
    }))
}

/// `super` and `self.name`: a block at some level of inheritance.
struct BlockObject {
    name: Arc<str>,
    level: usize,
    frame: Arc<Frame>,
    scope: Arc<Scope>,
}

impl BlockObject {
    fn run(&self, cx: &Cx) -> Res {
        let block = self.frame.inheritance.as_ref().and_then(|i| {
            let blocks = i.blocks.lock().unwrap_or_else(|e| e.into_inner());
            blocks.get(&self.name).and_then(|levels| levels.get(self.level)).cloned()
        });
        let Some(block) = block else {
            return Err(Fault::undefined(format!("there is no parent block called '{}'.", self.name), None));
        };
        if block.required {
            return Err(Fault::raw(format!("Required block '{}' not found", self.name)));
        }
        let frame = Frame::below(&self.frame);
        let object = |level, name: &Arc<str>| {
            V::Obj(Arc::new(BlockObject {
                name: name.clone(),
                level,
                frame: self.frame.clone(),
                scope: self.scope.clone(),
            }))
        };
        frame.set(&"super".into(), object(self.level + 1, &self.name));
        frame.set(&"self".into(), block_names(&self.frame, &self.scope));
        deeper(cx, || execute(&Cx { frame: Some(&frame), scope: &self.scope, ..*cx }, &frame, &block.body))
    }
}

impl Object for BlockObject {
    fn type_name(&self) -> &str {
        "BlockReference"
    }
    fn callable(&self) -> bool {
        true
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        Ok((name == "super").then(|| {
            V::Obj(Arc::new(BlockObject {
                name: self.name.clone(),
                level: self.level + 1,
                frame: self.frame.clone(),
                scope: self.scope.clone(),
            }))
        }))
    }
    fn call(&self, cx: &Cx, _: Call) -> Res {
        self.run(cx)
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// An imported template: its names, and its text.
struct Module {
    names: Vec<(Arc<str>, V)>,
    body: V,
}

impl Object for Module {
    fn type_name(&self) -> &str {
        "TemplateModule"
    }
    fn text(&self, cx: &Cx) -> Res<String> {
        match &self.body {
            V::None => Ok(String::new()),
            body => super::text(cx, body),
        }
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        Ok(self.names.iter().find(|(n, _)| &**n == name && !name.starts_with('_')).map(|(_, v)| v.clone()))
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// The `loop` of a `for` block.
struct Loop {
    index: usize,
    depth: usize,
    items: Arc<[V]>,
    changed: Arc<Mutex<Option<Vec<V>>>>,
    each: Arc<For>,
    frame: Arc<Frame>,
    scope: Arc<Scope>,
}

impl Object for Loop {
    fn type_name(&self) -> &str {
        "LoopContext"
    }
    fn repr(&self, _: &Cx) -> Res<String> {
        Ok(format!("<LoopContext {}/{}>", self.index + 1, self.items.len()))
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        let (at, len) = (self.index, self.items.len());
        let neighbour = |i: Option<usize>, what: &str| {
            i.and_then(|i| self.items.get(i))
                .cloned()
                .unwrap_or_else(|| V::Undef(Fault::undefined(format!("there is no {what} item"), None)))
        };
        Ok(Some(match name {
            "index" => V::from(at + 1),
            "index0" => V::from(at),
            "revindex" => V::from(len - at),
            "revindex0" => V::from(len - at - 1),
            "first" => V::Bool(at == 0),
            "last" => V::Bool(at + 1 == len),
            "length" => V::from(len),
            "depth" => V::from(self.depth + 1),
            "depth0" => V::from(self.depth),
            "previtem" => neighbour(at.checked_sub(1), "previous"),
            "nextitem" => neighbour(Some(at + 1), "next"),
            _ => return Ok(None),
        }))
    }
    fn method(&self, cx: &Cx, name: &str, args: &Call) -> Option<Res> {
        match name {
            "cycle" if args.pos.is_empty() => Some(Err(Fault::raw("no items for cycling given"))),
            "cycle" => Some(Ok(args.pos[self.index % args.pos.len()].clone())),
            "changed" => {
                let mut last = self.changed.lock().unwrap_or_else(|e| e.into_inner());
                let same = match last.as_ref() {
                    None => Ok(false),
                    Some(last) => super::equal(cx, &V::tuple(last.clone()), &V::tuple(args.pos.clone())),
                };
                Some(same.map(|same| {
                    *last = Some(args.pos.clone());
                    V::Bool(!same)
                }))
            }
            _ => None,
        }
    }
    /// A recursive loop runs again over other items.
    fn call(&self, cx: &Cx, call: Call) -> Res {
        if !self.each.recursive {
            return Err(Fault::raw("The loop must have the 'recursive' marker to be called recursively."));
        }
        let items = call.pos.into_iter().next().unwrap_or(V::None);
        let mut exec = Exec { cx: Cx { scope: &self.scope, ..*cx }, out: vec![], parent: None };
        deeper(cx, || exec.for_loop(&self.frame, &self.each, items, self.depth + 1))?;
        Ok(concat(cx, exec.out))
    }
    fn callable(&self) -> bool {
        true
    }
    fn len(&self) -> Option<usize> {
        Some(self.items.len())
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
