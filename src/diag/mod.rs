//! Faults that an author can mend, with the place in the source. No printing: `report/` renders them.

mod codes;
mod diagnostic;
mod source;

pub use codes::{CODES, Code, CodeInfo, explain};
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity};
pub use source::{FileId, Location, SourceFile, SourceMap, Span, Spanned};
