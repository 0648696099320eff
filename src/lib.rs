//! Tightbeam: agentless configuration management that runs Ansible's playbooks. `ARCHITECTURE.md` is the map.

pub mod actions;
pub mod cli;
pub mod config;
pub mod diag;
pub mod event;
pub mod files;
pub mod inventory;
pub mod names;
pub mod plan;
pub mod playbook;
pub mod remote;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod template;
pub mod value;
pub mod vars;
pub mod vault;
pub mod yaml;
