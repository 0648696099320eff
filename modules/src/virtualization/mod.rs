//! Modules of libvirt, one file each; `virsh.rs` holds the way to it.

mod virsh;
mod virt_net;
mod virt_pool;

pub use virt_net::VirtNet;
pub use virt_pool::VirtPool;
