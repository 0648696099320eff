//! An error while rendering. It is also a value: ansible-core lets undefined and failed values flow until something needs
//! them, so that `default` can catch them.

use super::V;
use crate::diag::Span;
use crate::template::{ErrorKind, TemplateError};
use std::sync::Arc;

pub type Res<T = V> = Result<T, Arc<Fault>>;

#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: ErrorKind,
    pub message: String,
    /// What was being done, innermost first.
    pub doing: Vec<String>,
    pub name: Option<Arc<str>>,
    /// Place in the template's source, until it is known as a span.
    pub offset: Option<(u32, u32)>,
    pub span: Option<Span>,
    /// Vault text that could not be opened: the `unvault` filter may open it with a secret of its own.
    pub ciphertext: Option<Arc<str>>,
    /// Raised by Python itself (operators, types): the template adds that rendering failed.
    pub raw: bool,
    /// What can be done about it; told apart from what was being done.
    pub help: Option<&'static str>,
}

impl Fault {
    fn make(kind: ErrorKind, message: impl Into<String>, raw: bool) -> Fault {
        Fault {
            kind,
            message: message.into(),
            doing: vec![],
            name: None,
            offset: None,
            span: None,
            ciphertext: None,
            raw,
            help: None,
        }
    }
    /// An error of an operator or type, as Python raises it.
    pub fn raw(message: impl Into<String>) -> Arc<Fault> {
        Arc::new(Fault::make(ErrorKind::Failed, message, true))
    }
    /// An error that ansible-core itself words.
    pub fn told(kind: ErrorKind, message: impl Into<String>) -> Arc<Fault> {
        Arc::new(Fault::make(kind, message, false))
    }
    pub fn undefined(message: impl Into<String>, name: Option<Arc<str>>) -> Arc<Fault> {
        Arc::new(Fault { name, ..Fault::make(ErrorKind::Undefined, message, false) })
    }
    /// Adds the place in the source, unless an inner one is known.
    pub fn at(mut self: Arc<Fault>, start: u32, end: u32) -> Arc<Fault> {
        if self.offset.is_none() && self.span.is_none() {
            Arc::make_mut(&mut self).offset = Some((start, end));
        }
        self
    }
    pub fn within(mut self: Arc<Fault>, doing: impl Into<String>) -> Arc<Fault> {
        let fault = Arc::make_mut(&mut self);
        fault.doing.push(doing.into());
        fault.raw = false;
        self
    }
    /// Turns the place in the source into a place in the author's file.
    pub fn located(mut self: Arc<Fault>, find: impl FnOnce(u32, u32) -> Option<Span>) -> Arc<Fault> {
        if self.span.is_none()
            && let Some((start, end)) = self.offset
        {
            let fault = Arc::make_mut(&mut self);
            fault.span = find(start, end);
            fault.offset = None;
        }
        self
    }
    /// The whole message: outer things first, joined by colons.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for doing in self.doing.iter().rev() {
            out += doing.trim_end_matches('.');
            out += ": ";
        }
        out + &self.message
    }
    pub fn error(&self) -> TemplateError {
        let mut error = TemplateError::new(self.kind, self.text());
        error.name = self.name.clone();
        error.span = self.span;
        error.help = self.help;
        error.causes = self.doing.iter().rev().cloned().chain([self.message.clone()]).collect();
        error
    }
}
