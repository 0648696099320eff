//! Text with its marks: whether it may be rendered as a template, whether it is a secret, where it stands.

use crate::diag::Span;
use std::sync::Arc;

/// Where text comes from. Only an author's text is ever rendered as a template (ansible-core 2.19's `TrustedAsTemplate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The author's files, inventory and command line.
    Author,
    /// Hosts, module results, lookups, rendered templates, `!unsafe`.
    Foreign,
}

/// Shared, immutable text. Equality, order and hash are those of the text alone.
#[derive(Clone)]
pub struct Text {
    text: Arc<str>,
    origin: Option<Span>,
    trust: Trust,
    template: bool,
    secret: bool,
}

impl Text {
    pub fn new(text: impl Into<Arc<str>>, trust: Trust, origin: Option<Span>) -> Self {
        let text = text.into();
        let template = trust == Trust::Author && has_delimiters(&text);
        Text { text, origin, trust, template, secret: false }
    }
    pub fn foreign(text: impl Into<Arc<str>>) -> Self {
        Text { text: text.into(), origin: None, trust: Trust::Foreign, template: false, secret: false }
    }
    /// Marks the text as a secret: `Debug` and reports print `****`.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
    pub fn is_secret(&self) -> bool {
        self.secret
    }
    pub fn trust(&self) -> Trust {
        self.trust
    }
    /// Trusted and with template delimiters in it.
    pub fn is_template(&self) -> bool {
        self.template
    }
    pub fn origin(&self) -> Option<Span> {
        self.origin
    }
    pub fn distrust(self) -> Self {
        Text { trust: Trust::Foreign, template: false, ..self }
    }
    pub fn shared(&self) -> &Arc<str> {
        &self.text
    }
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether text has a start of `{{ }}`, `{% %}` or `{# #}`.
fn has_delimiters(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(2).any(|w| w[0] == b'{' && matches!(w[1], b'{' | b'%' | b'#'))
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Text {}
impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.secret { f.write_str("****") } else { std::fmt::Debug::fmt(&*self.text, f) }
    }
}
impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
