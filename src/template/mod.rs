//! Templates: Jinja2 as ansible-core 2.19 runs it. Pure: files, processes, clock and randomness come through [`Outside`].

mod engine;
mod error;
mod outside;
mod templar;
mod variables;

pub use engine::{Engine, TemplateSettings};
pub use error::{ErrorKind, TemplateError};
pub use outside::{Decrypt, NoOutside, Outside, PipeOutput, UrlRequest};
pub use templar::{Context, FileOptions, Templar};
pub use variables::{Binding, Overlay, Scopes, Variables};
