//! From syntax tree to plan: roles and imports in place, keywords inherited, names resolved, literal arguments checked.
//!
//! [`Planner`] is the door: `plan` for playbooks, `include_tasks` and `include_role` for includes at run time.

mod build;
#[cfg(test)]
mod cases;
mod check;
mod context;
mod defaults;
mod handlers;
mod imports;
mod listing;
mod loader;
mod model;
mod paths;
mod planner;
pub mod program;
mod redirects;
pub mod reserved;
pub mod resolve;
mod role;
mod role_files;
mod roles;
mod synthetic;
pub mod tags;
#[cfg(test)]
mod tests;

pub use check::takes_free_form;
pub use context::{Included, PlanSettings, RoleRequest, StaticRender, StaticScope};
pub use handlers::notified;
pub use listing::{ListedPlay, Listing, listing};
pub use loader::{Decrypt, Loader, NoSecrets};
pub use model::{Frame, Id, IncludeLink, Inherited, Plan, PlannedBlock, PlannedItem, PlannedPlay, PlannedTask};
pub use planner::Planner;
pub use resolve::{Action, ActionKind, ControllerAction, Meta, ModuleCatalogue, Resolved};
pub use role::{RoleContext, RoleOwn};
pub use tags::TagFilter;
