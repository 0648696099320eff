//! Variables: precedence as data, the layers of a host and a task, lazy lookup through them, and which layer a value is from.

mod extra;
mod facts;
mod host;
mod hostvars;
mod layer;
mod magic;
mod places;
mod show;
mod task;

pub use extra::{KeyValues, extra_vars};
pub use facts::HostState;
pub use host::{HostLayers, InventoryVars};
pub use hostvars::{HostStates, HostVars};
pub use layer::Layer;
pub use magic::{ANSIBLE_VERSION, PlayFacts, RoleFacts, RunFacts, play_magic, role_magic, run_magic};
pub use places::place_of;
pub use show::Shown;
pub use task::{Explained, PlayVars, RoleVars, RunVars, TaskVars};
