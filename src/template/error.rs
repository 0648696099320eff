//! Why a template could not be rendered, and that as a diagnostic.

use crate::diag::{Code, Diagnostic, Span};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    Undefined,
    Syntax,
    /// A filter, test, lookup, method or operator failed.
    Failed,
    /// A condition's result is not a boolean.
    NotBoolean,
    /// A variable needs itself.
    Recursive,
    /// The whole value is `omit` where a value is needed.
    Omitted,
    /// Vault text that no given password opens.
    Vault,
}

/// A template that could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    pub kind: ErrorKind,
    /// One line in the words of ansible-core 2.19: what failed and why, outermost first.
    pub message: String,
    /// The variable that is undefined or refers to itself.
    pub name: Option<Arc<str>>,
    /// Where in the author's files.
    pub span: Option<Span>,
    /// The parts of `message`, outermost first.
    pub causes: Vec<String>,
    /// What can be done about it.
    pub help: Option<&'static str>,
}

impl TemplateError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        TemplateError { kind, message: message.into(), name: None, span: None, causes: vec![], help: None }
    }
    pub fn code(&self) -> Code {
        match self.kind {
            ErrorKind::Undefined => Code::UNDEFINED,
            ErrorKind::Syntax => Code::TEMPLATE_SYNTAX,
            ErrorKind::Failed | ErrorKind::Omitted => Code::TEMPLATE_FAILED,
            ErrorKind::NotBoolean => Code::CONDITION_NOT_BOOL,
            ErrorKind::Recursive => Code::RECURSIVE,
            ErrorKind::Vault => Code::VAULT_DECRYPT,
        }
    }
    /// The error told where it happened, if no inner place is known.
    #[must_use]
    pub fn or_at(mut self, span: Option<Span>) -> Self {
        self.span = self.span.or(span);
        self
    }
    /// The error with what was being done in front of it: `Error while …: 'x' is undefined`.
    #[must_use]
    pub fn within(mut self, doing: &str) -> Self {
        if self.causes.is_empty() {
            self.causes.push(self.message.clone());
        }
        self.message = format!("{}: {}", doing.trim_end_matches('.'), self.message);
        self.causes.insert(0, doing.to_owned());
        self
    }
    pub fn diagnostic(&self) -> Diagnostic {
        let label = match (self.kind, &self.name) {
            (ErrorKind::Undefined, Some(name)) => format!("`{name}` is not defined"),
            (ErrorKind::Recursive, Some(name)) => format!("`{name}` needs itself"),
            _ => String::new(),
        };
        let mut out = Diagnostic::error(self.code(), self.message.clone()).at(self.span, label);
        out.causes = self.causes.clone();
        out
    }
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}

impl From<TemplateError> for Diagnostic {
    fn from(error: TemplateError) -> Self {
        error.diagnostic()
    }
}
