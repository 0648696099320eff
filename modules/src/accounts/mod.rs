//! Modules of the `accounts` family, one file each; `shared.rs` holds what they have in common.

mod authorized_key;
mod group;
mod htpasswd;
mod openssh_keypair;
mod shared;
mod user;

pub use authorized_key::AuthorizedKey;
pub use group::Group;
pub use htpasswd::Htpasswd;
pub use openssh_keypair::OpensshKeypair;
pub use shared::date;
pub use user::User;
