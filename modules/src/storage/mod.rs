//! Modules of the `storage` family, one file each; `shared.rs` holds what they have in common.

mod filesystem;
mod lvg;
mod lvol;
mod parted;
mod shared;
mod zfs;

pub use filesystem::Filesystem;
pub use lvg::Lvg;
pub use lvol::Lvol;
pub use parted::Parted;
pub use zfs::Zfs;
