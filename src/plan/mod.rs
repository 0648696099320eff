//! From syntax tree to plan: roles and imports in place, keywords inherited, names resolved, literal arguments checked.

mod context;
mod model;
pub mod resolve;
mod role;

pub use context::{Included, PlanSettings, RoleRequest, StaticRender, StaticScope};
pub use model::{Frame, Id, IncludeLink, Inherited, Plan, PlannedBlock, PlannedItem, PlannedPlay, PlannedTask};
pub use resolve::{Action, ActionKind, ControllerAction, Meta, ModuleCatalogue, Resolved};
pub use role::{RoleContext, RoleOwn};
