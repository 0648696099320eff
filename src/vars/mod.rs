//! Variables: precedence as data, one host's and task's variables as a lazy scope, magic variables, where each comes from.

mod facts;
mod layer;
mod magic;
mod scope;
mod store;

pub use facts::Facts;
pub use layer::{Layer, LayerVars};
pub use magic::{PlayFacts, RunFacts, TaskFacts};
pub use scope::{Origin, Scope, ScopeBuilder};
pub use store::{HostState, InventoryFacts, Store};
