//! Templates: Jinja2 as ansible-core 2.19 runs it. Pure: files, processes, clock and randomness come through [`Outside`].
//!
//! The evaluator is our own, for what ansible-core 2.19 needs of one: undefined and failed values that flow until something
//! needs them, lists and dicts that change in place, integers without limit, Python's messages, a place for every error.
//!
//! `syntax/` makes trees of text, `runtime/` evaluates them over values that behave as Python's, `filters/`, `tests/` and
//! `lookups/` are the catalogues. Other parts use [`Engine`] and [`Templar`].

mod engine;
mod error;
mod examples;
mod filters;
mod header;
mod lookups;
mod outside;
mod regex;
mod runtime;
mod syntax;
mod templar;
mod tests;
mod variables;

pub use engine::{Engine, TemplateSettings, Untrusted};
pub use error::{ErrorKind, TemplateError};
pub use filters::{CATALOGUE as FILTERS, Filter};
pub use lookups::{CATALOGUE as LOOKUPS, Lookup, find as find_lookup};
pub use outside::{Decrypt, NoOutside, Outside, PipeOutput, UrlRequest};
pub use runtime::Param;
pub use templar::{Context, FileOptions, Templar};
pub use tests::{CATALOGUE as TESTS, Test};
pub use variables::{Binding, Overlay, Scopes, Variables};
