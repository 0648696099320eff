//! Modules of the `kubernetes` family. `reach.rs` and `kubeconfig.rs` find the cluster, `api.rs` speaks with it, `wait.rs`
//! waits for it; `merge.rs`, `hash.rs`, `hidden.rs` and `selector.rs` work on objects.

mod api;
mod definitions;
mod hash;
mod helm;
mod hidden;
mod k8s;
mod k8s_info;
mod kubeconfig;
mod merge;
mod reach;
#[cfg(test)]
mod scripted;
mod selector;
#[cfg(test)]
mod tests;
mod wait;

pub use helm::{HelmInfo, HelmRelease, HelmRepository};
pub use k8s::K8s;
pub use k8s_info::K8sInfo;
