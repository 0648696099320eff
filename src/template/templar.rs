//! Renders values for one host and task: the door that other parts use.

use super::runtime::{self, Cx, Fault, Include, Res, Run, Scope, V};
use super::syntax::Rules;
use super::{Engine, ErrorKind, Overlay, TemplateError, Variables, header, lookups};
use crate::value::{Map, Text, Trust, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// Where templates and lookups of a task look for files.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// `ansible_search_path`, innermost first: the role's directory (and those of roles that depend on it), the directory of
    /// the task file. In each, `files/`, `templates/` or `vars/` is tried before the directory itself.
    pub search_paths: Vec<PathBuf>,
    /// The playbook's directory, tried last.
    pub playbook_dir: PathBuf,
    /// The task's action, if any: `with_first_found` looks in `templates/`, `vars/` or `files/` by it.
    pub action: Option<Arc<str>>,
}

/// How a template file is read, for the `template` module and lookup.
#[derive(Clone, Debug, PartialEq)]
pub struct FileOptions {
    /// The file's own path: templates that it includes are looked for beside it.
    pub path: Option<PathBuf>,
    pub block_start: String,
    pub block_end: String,
    pub variable_start: String,
    pub variable_end: String,
    pub comment_start: String,
    pub comment_end: String,
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    pub newline_sequence: String,
    pub keep_trailing_newline: bool,
}

impl Default for FileOptions {
    fn default() -> Self {
        FileOptions {
            path: None,
            block_start: "{%".into(),
            block_end: "%}".into(),
            variable_start: "{{".into(),
            variable_end: "}}".into(),
            comment_start: "{#".into(),
            comment_end: "#}".into(),
            trim_blocks: true,
            lstrip_blocks: false,
            newline_sequence: "\n".into(),
            keep_trailing_newline: false,
        }
    }
}

impl FileOptions {
    fn rules(&self, engine: &Engine) -> Rules {
        Rules {
            block: (self.block_start.as_str().into(), self.block_end.as_str().into()),
            variable: (self.variable_start.as_str().into(), self.variable_end.as_str().into()),
            comment: (self.comment_start.as_str().into(), self.comment_end.as_str().into()),
            trim_blocks: self.trim_blocks,
            lstrip_blocks: self.lstrip_blocks,
            newline: self.newline_sequence.as_str().into(),
            keep_trailing_newline: self.keep_trailing_newline,
            plain_backslashes: false,
            ..engine.rules().clone()
        }
    }
}

/// Renders with one set of variables. A variable that is a template is rendered once, when it is first used; clones share that.
#[derive(Clone)]
pub struct Templar {
    engine: Arc<Engine>,
    scope: Arc<Scope>,
    context: Arc<Context>,
}

/// Told of conditions that are written as templates and give no further expression.
const AS_TEMPLATE: &str = "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}. This feature will be removed from ansible-core version 2.23.";

impl Templar {
    pub fn new(engine: &Arc<Engine>, variables: Arc<dyn Variables>, context: Context) -> Self {
        Templar { engine: engine.clone(), scope: Scope::new(variables), context: Arc::new(context) }
    }
    /// The same with a few variables on top.
    pub fn with(&self, over: Map) -> Self {
        let below = self.scope.vars.clone();
        Templar {
            engine: self.engine.clone(),
            scope: Scope::new(Arc::new(Overlay { over, below })),
            context: self.context.clone(),
        }
    }
    /// The same with other variables.
    pub fn over(&self, variables: Arc<dyn Variables>) -> Self {
        Templar { engine: self.engine.clone(), scope: Scope::new(variables), context: self.context.clone() }
    }
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
    pub fn context(&self) -> &Context {
        &self.context
    }
    pub fn variables(&self) -> &Arc<dyn Variables> {
        &self.scope.vars
    }

    /// Evaluates with fresh bookkeeping, and makes the result data.
    fn run<T>(&self, include: Include, body: impl FnOnce(&Cx) -> Res<T>) -> Result<T, TemplateError> {
        let run = Run::new(include);
        let cx = Cx { engine: &self.engine, context: &self.context, scope: &self.scope, run: &run, frame: None };
        let out = body(&cx);
        if run.changed.get() {
            // What one template changed in place, another must not see.
            self.scope.forget();
        }
        out.map_err(|fault| {
            let fault = if fault.raw { fault.within("Error rendering template.") } else { fault };
            fault.error()
        })
    }
    fn simple<T>(&self, body: impl FnOnce(&Cx) -> Res<T>) -> Result<T, TemplateError> {
        self.run(Include::default(), body)
    }

    /// Renders every template in a value, deeply. Only the author's text is a template; results keep their types; parts that
    /// are `omit` vanish from lists and maps, and a whole value that is `omit` gives [`Value::Omit`].
    ///
    /// # Errors
    /// The first template that cannot be rendered.
    pub fn render(&self, value: &Value) -> Result<Value, TemplateError> {
        match value {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => return Ok(value.clone()),
            Value::Str(text) if !text.is_template() && !text.starts_with(header::MARK) => return Ok(value.clone()),
            _ => {}
        }
        self.simple(|cx| {
            let v = match value {
                Value::Str(text) if text.trust() == Trust::Author && text.starts_with(header::MARK) => {
                    self.with_header(cx, text, &FileOptions { ..FileOptions::default() }, true)?
                }
                value => cx.scope.lift(cx, value),
            };
            runtime::finish(cx, &v)
        })
    }
    /// A variable, rendered deeply; `None` where it is not defined.
    ///
    /// # Errors
    /// As [`Templar::render`].
    pub fn variable(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        self.simple(|cx| match cx.scope.get(cx, &Arc::from(name)) {
            Some(v) => runtime::finish(cx, &v).map(Some),
            None => Ok(None),
        })
    }
    /// A conditional: an expression without delimiters, or a boolean. Lists are the caller's matter.
    ///
    /// # Errors
    /// As [`Templar::render`], and of kind `NotBoolean`.
    pub fn condition(&self, condition: &Value) -> Result<bool, TemplateError> {
        if let Value::Bool(b) = condition {
            return Ok(*b);
        }
        let lenient = self.engine.settings.allow_broken_conditionals;
        let out = self.simple(|cx| self.conditional(cx, condition, lenient)).map_err(|e| match e.kind {
            ErrorKind::Undefined => e.within("Error while evaluating conditional."),
            _ => e,
        });
        let result = out.map_err(|e| e.or_at(condition.origin()))?;
        match result {
            Value::Bool(b) => Ok(b),
            Value::Omit => Err(TemplateError::new(ErrorKind::Omitted, "A template was resolved to an Omit scalar.")
                .or_at(condition.origin())),
            other if lenient => Ok(other.truthy()),
            other => {
                let place = other
                    .origin()
                    .or(condition.origin())
                    .and_then(|span| self.engine.sources.location(span))
                    .map_or_else(|| "<unknown>".to_owned(), |l| l.to_string());
                Err(TemplateError::new(
                    ErrorKind::NotBoolean,
                    format!(
                        "Conditional result ({}) was derived from value of type '{}' at '{place}'. Conditionals must have a boolean result.",
                        if other.truthy() { "True" } else { "False" },
                        other.type_name(),
                    ),
                )
                .or_at(condition.origin()))
            }
        }
    }
    fn conditional(&self, cx: &Cx, condition: &Value, lenient: bool) -> Res<Value> {
        let broken = |message: &str| Fault::told(ErrorKind::NotBoolean, message);
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::Str(t) => t.trim().is_empty(),
            _ => false,
        };
        let check_empty = || {
            if lenient { Ok(Value::Bool(true)) } else { Err(broken("Empty conditional expressions are not allowed.")) }
        };
        if empty(condition) {
            return check_empty();
        }
        let Value::Str(text) = condition else {
            if lenient {
                let v = cx.scope.lift(cx, condition);
                return runtime::finish(cx, &v);
            }
            return Err(broken("Conditional expressions must be strings."));
        };
        let trimmed = text.trim();
        let all_template = ["{{", "{%", "{#"].iter().any(|d| trimmed.starts_with(d))
            && ["}}", "%}", "#}"].iter().any(|d| trimmed.ends_with(d));
        let mut expression = text.clone();
        if all_template && text.trust() == Trust::Author {
            let text = if trimmed.len() == text.len() {
                text.clone()
            } else {
                Text::new(trimmed, text.trust(), text.origin())
            };
            let v = cx.scope.render(cx, &text, None);
            let result = runtime::finish(cx, &v)?;
            match result {
                result if empty(&result) => return check_empty(),
                Value::Str(text) => expression = text,
                other => {
                    let place = text.origin().and_then(|span| self.engine.sources.location(span));
                    let place = place.map(|place| format!("\nOrigin: {place}")).unwrap_or_default();
                    self.engine.outside.deprecated(&format!("{AS_TEMPLATE}{place}"));
                    return Ok(other);
                }
            }
        }
        if expression.trust() != Trust::Author {
            return Err(Fault::told(ErrorKind::Failed, "Encountered untrusted template or expression."));
        }
        cx.run.conditional.set(true);
        let v = self.evaluate(cx, &expression);
        cx.run.conditional.set(false);
        runtime::finish(cx, &v?)
    }
    fn evaluate(&self, cx: &Cx, source: &Text) -> Res {
        let trimmed = source.trim();
        let compiled = if trimmed.len() == source.len() {
            self.engine.expression(source.shared())
        } else {
            self.engine.expression(&Arc::from(trimmed))
        };
        let shown = if trimmed.len() == source.len() {
            source.clone()
        } else {
            Text::new(trimmed, source.trust(), source.origin())
        };
        let place = |fault: Arc<Fault>| {
            let fault = match &*fault {
                Fault { raw: true, .. } => fault.within("Error rendering expression."),
                Fault { kind: ErrorKind::Syntax, doing, .. } if doing.is_empty() => {
                    fault.within("Syntax error in expression.")
                }
                _ => fault,
            };
            runtime::place(cx, fault, &shown)
        };
        match &*compiled {
            Ok(expr) => match runtime::eval(cx, expr) {
                Ok(V::Undef(fault)) | Err(fault) => Err(place(fault)),
                Ok(v) => Ok(v),
            },
            Err(error) => {
                let mut doing = "Syntax error in expression.".to_owned();
                if trimmed.contains("{{") || trimmed.contains("{%") || trimmed.contains("{#") {
                    doing += " Template delimiters are not supported in expressions.";
                }
                let fault = Fault::told(ErrorKind::Syntax, error.message.clone()).at(error.offset, error.offset + 1);
                Err(place(fault.within(doing)))
            }
        }
    }
    /// An expression without delimiters, such as `a.b | length`. The source counts as the author's.
    ///
    /// # Errors
    /// As [`Templar::render`].
    pub fn expression(&self, source: &str) -> Result<Value, TemplateError> {
        self.simple(|cx| {
            let v = self.evaluate(cx, &Text::new(source, Trust::Author, None))?;
            runtime::finish(cx, &v)
        })
    }
    /// The value of an expression for people to look at: undefined values in it are replaced by words that say so. Those
    /// words, as warnings, come too. The source must be the author's.
    ///
    /// # Errors
    /// As [`Templar::render`], but not for what is undefined.
    pub fn shown(&self, source: &Text) -> Result<(Value, Vec<String>), TemplateError> {
        self.shown_all(std::slice::from_ref(source))
            .map(|(mut values, warnings)| (values.pop().unwrap_or_default(), warnings))
            .map_err(|e| e.within("Error while resolving `var` expression.").or_at(source.origin()))
    }
    /// As [`Templar::shown`], of several expressions, one after the other.
    ///
    /// # Errors
    /// As [`Templar::shown`].
    pub fn shown_all(&self, sources: &[Text]) -> Result<(Vec<Value>, Vec<String>), TemplateError> {
        let mut warnings = vec![];
        let out = self.simple(|cx| {
            if sources.iter().any(|source| source.trust() != Trust::Author) {
                return Err(Fault::told(ErrorKind::Failed, "Encountered untrusted template or expression."));
            }
            cx.run.shown.replace(Some(vec![]));
            let value = |source| match self.evaluate(cx, source) {
                Ok(v) => runtime::finish(cx, &v),
                Err(fault) => cx.instead(&fault).and_then(|v| runtime::finish(cx, &v)),
            };
            let values: Res<Vec<Value>> = sources.iter().map(value).collect();
            let shown = cx.run.shown.take().unwrap_or_default();
            for (i, fault) in shown.iter().enumerate() {
                warnings.push(format!("Encountered 1 template error.\nerror {} - {}", i + 1, fault.text()));
            }
            // What was put in place of undefined values must not be seen again.
            cx.run.changed.set(cx.run.changed.get() || !shown.is_empty());
            values
        });
        out.map(|values| (values, warnings))
    }
    /// As [`Templar::render`], but for people to look at: undefined values are replaced by words that say so.
    ///
    /// # Errors
    /// As [`Templar::render`], but not for what is undefined.
    pub fn render_shown(&self, value: &Value) -> Result<Value, TemplateError> {
        self.simple(|cx| {
            cx.run.shown.replace(Some(vec![]));
            let out = runtime::finish(cx, &cx.scope.lift(cx, value));
            let shown = cx.run.shown.take().unwrap_or_default();
            cx.run.changed.set(cx.run.changed.get() || !shown.is_empty());
            out
        })
    }
    /// The text of a template file. The source counts as the author's.
    ///
    /// # Errors
    /// As [`Templar::render`].
    pub fn file(&self, source: &str, options: &FileOptions) -> Result<String, TemplateError> {
        let mut directories: Vec<PathBuf> = vec![];
        for path in &self.context.search_paths {
            directories.extend([path.join("templates"), path.clone()]);
        }
        directories.extend(options.path.as_ref().and_then(|p| p.parent()).map(PathBuf::from));
        let include = Include { directories, rules: Some(options.rules(&self.engine)) };
        self.run(include, |cx| {
            let v = self.with_header(cx, &Text::new(source, Trust::Author, None), options, false)?;
            match runtime::finish(cx, &v)? {
                Value::Null | Value::Omit => Ok(String::new()),
                value => Ok(value.to_string()),
            }
        })
        .map_err(|e| match &options.path {
            // An error without a place is told with the file's name.
            Some(path) if e.span.is_none() => e.within(&format!("Unable to process template file {}", path.display())),
            _ => e,
        })
    }
    /// Renders a source that may begin with a `#jinja2:` line.
    fn with_header(&self, cx: &Cx, source: &Text, options: &FileOptions, from_yaml: bool) -> Res {
        let mut rules = options.rules(&self.engine);
        rules.plain_backslashes = from_yaml;
        let stripped = header::split(source, &mut rules)
            .map_err(|m| Fault::told(ErrorKind::Syntax, m).within("Syntax error in template."))?;
        cx.run.include.borrow_mut().rules = Some(rules.clone());
        let compiled = self.engine.compile(&Arc::from(stripped), &rules);
        let out = match &*compiled {
            Ok(template) => runtime::run_template(cx, template),
            Err(error) => {
                let (line, _) = line_of(stripped, error.offset);
                V::Undef(
                    Fault::told(ErrorKind::Syntax, format!("{} (line {line})", error.message))
                        .within("Syntax error in template."),
                )
            }
        };
        match out {
            V::Undef(fault) => Err(runtime::place(cx, fault, source)),
            V::Str(text) => {
                let trailing = |s: &str| s.len() - s.trim_end_matches('\n').len();
                let missing = trailing(stripped).saturating_sub(trailing(&text));
                Ok(if missing == 0 { V::Str(text) } else { V::str(format!("{text}{}", rules.newline.repeat(missing))) })
            }
            out => Ok(out),
        }
    }
    /// Runs a lookup as `with_NAME` does: terms are rendered, the answer is a list.
    ///
    /// # Errors
    /// As [`Templar::render`].
    pub fn lookup(&self, plugin: &str, terms: &Value, options: &Map) -> Result<Vec<Value>, TemplateError> {
        self.simple(|cx| {
            let terms = match cx.scope.lift(cx, terms).trip()? {
                V::List(l) => l.items(cx),
                V::Tuple(t) => t.to_vec(),
                one => vec![one],
            };
            let mut named = vec![];
            for (key, value) in options {
                named.push((Arc::from(key.as_str().unwrap_or_default()), cx.scope.lift(cx, value)));
            }
            let found = lookups::run(cx, plugin, terms, named, true)?;
            found.iter().map(|v| runtime::finish(cx, v)).collect()
        })
    }
}

fn line_of(text: &str, offset: u32) -> (usize, usize) {
    let before = text.get(..offset as usize).unwrap_or(text);
    (before.matches('\n').count() + 1, before.len() - before.rfind('\n').map_or(0, |p| p + 1))
}
