//! Renders values for one host and task: the door that other parts use.

use super::{Engine, ErrorKind, Overlay, TemplateError, Variables};
use crate::value::{Map, Value};
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

/// Renders with one set of variables. A variable that is a template is rendered once, when it is first used.
pub struct Templar {
    engine: Arc<Engine>,
    variables: Arc<dyn Variables>,
    context: Arc<Context>,
}

impl Templar {
    pub fn new(engine: &Arc<Engine>, variables: Arc<dyn Variables>, context: Context) -> Self {
        Templar { engine: engine.clone(), variables, context: Arc::new(context) }
    }
    /// The same with a few variables on top.
    pub fn with(&self, over: Map) -> Self {
        Templar {
            engine: self.engine.clone(),
            variables: Arc::new(Overlay { over, below: self.variables.clone() }),
            context: self.context.clone(),
        }
    }
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
    pub fn context(&self) -> &Context {
        &self.context
    }
    pub fn variables(&self) -> &Arc<dyn Variables> {
        &self.variables
    }

    /// Renders every template in a value, deeply. Only the author's text is a template; results keep their types; parts that
    /// are `omit` vanish from lists and maps, and a whole value that is `omit` gives [`Value::Omit`].
    ///
    /// # Errors
    /// The first template that cannot be rendered.
    pub fn render(&self, value: &Value) -> Result<Value, TemplateError> {
        if value.needs_render() {
            return Err(TemplateError::new(ErrorKind::Failed, "templates are not available in this build"));
        }
        Ok(value.clone())
    }
    /// A variable, rendered deeply; `None` where it is not defined.
    ///
    /// # Errors
    /// As [`Templar::render`].
    pub fn variable(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        match self.variables.get(name) {
            Some(super::Binding::Value(value)) => self.render(&value).map(Some),
            _ => Ok(None),
        }
    }
    /// A conditional: an expression without delimiters, or a boolean. Lists are the caller's matter.
    ///
    /// # Errors
    /// As [`Templar::render`], and of kind `NotBoolean`.
    pub fn condition(&self, condition: &Value) -> Result<bool, TemplateError> {
        match condition {
            Value::Bool(b) => Ok(*b),
            _ => Err(TemplateError::new(ErrorKind::Failed, "templates are not available in this build")),
        }
    }
    /// An expression without delimiters, such as `a.b | length`.
    ///
    /// # Errors
    /// As [`Templar::render`].
    pub fn expression(&self, _source: &str) -> Result<Value, TemplateError> {
        Err(TemplateError::new(ErrorKind::Failed, "templates are not available in this build"))
    }
    /// The text of a template file. The source counts as the author's.
    ///
    /// # Errors
    /// As [`Templar::render`].
    pub fn file(&self, _source: &str, _options: &FileOptions) -> Result<String, TemplateError> {
        Err(TemplateError::new(ErrorKind::Failed, "templates are not available in this build"))
    }
    /// Runs a lookup as `with_NAME` does: terms are rendered, the answer is a list.
    ///
    /// # Errors
    /// As [`Templar::render`].
    pub fn lookup(&self, _plugin: &str, _terms: &Value, _options: &Map) -> Result<Vec<Value>, TemplateError> {
        Err(TemplateError::new(ErrorKind::Failed, "templates are not available in this build"))
    }
}
