//! The contract between controller and host: what a module declares, receives and answers. No I/O here.

mod call;
mod module;
mod number;
mod outcome;
mod printed;
mod secret;
mod spec;
mod validate;
pub mod wire;

pub use call::{Blob, BlobReader, Blobs, Call, NoBlobs};
pub use module::{Entry, Module, Plan};
pub use number::{INTEGER, integer};
pub(crate) use outcome::python_error;
pub use outcome::{Deprecation, Diff, DiffSide, Failure, Outcome, is_listed};
pub use printed::printed;
pub use secret::Secrets;
pub use spec::{Arg, ArgType, CheckMode, Kind, Literal, ModuleSpec, Return, Rule};
pub use validate::{Fault, FaultKind, Json, JsonMap, coerce, literal, nearest, validate};
pub(crate) use validate::{python_text, size_in_bytes};
