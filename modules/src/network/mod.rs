//! Modules of the `network` family, one file each; `shared.rs` holds what they have in common.

mod firewalld;
mod get_url;
mod haproxy;
pub mod http;
mod iptables;
mod known_hosts;
mod shared;
mod ufw;
mod unix;
mod uri;
mod wait_for;

pub use firewalld::Firewalld;
pub use get_url::GetUrl;
pub use haproxy::Haproxy;
pub use iptables::Iptables;
pub use known_hosts::KnownHosts;
pub use ufw::Ufw;
pub use uri::Uri;
pub use wait_for::WaitFor;
