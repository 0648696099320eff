//! Modules of SELinux's policy, one file each; `shared.rs` holds what they have in common.

mod seboolean;
mod sefcontext;
mod seport;
mod shared;
mod state;

pub use seboolean::Seboolean;
pub use sefcontext::Sefcontext;
pub use seport::Seport;
pub use state::Selinux;
