//! Modules that run helm; `client.rs` holds the way to it.

mod client;
mod info;
mod release;
mod repository;
#[cfg(test)]
mod tests;

pub use info::HelmInfo;
pub use release::HelmRelease;
pub use repository::HelmRepository;
