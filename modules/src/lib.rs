//! What a managed host runs: the module contract, the native modules and the helper that serves them.
//!
//! The controller links this crate for [`contract`] and for each module's `SPEC`; the code that touches a host runs
//! only inside `tightbeam-helper`. This crate never depends on the controller.

pub mod accounts;
pub mod catalogue;
pub mod commands;
pub mod containers;
pub mod contract;
pub mod crypto;
pub mod databases;
pub mod facts;
pub mod files;
pub mod host;
pub mod kubernetes;
pub mod messaging;
pub mod network;
pub mod packages;
pub mod selinux;
pub mod serve;
pub mod services;
pub mod source_control;
pub mod storage;
pub mod system;
pub mod text;
pub mod virtualization;
